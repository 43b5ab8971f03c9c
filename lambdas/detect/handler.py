"""The first hallucination detector: a title quoted in an answer must exist in the catalogue."""

from __future__ import annotations

import base64
import gzip
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary.aws.clients import client
from canary.aws.metrics import Metrics
from canary.aws.settings import from_environment
from canary.routing.matching import MATCHED, matching_weight

QUOTED = re.compile(r'"([^"]{1,80})"|“([^”]{1,80})”|「([^」]{1,80})」|『([^』]{1,80})』')
EDGES = " .,!?;:。、"


@dataclass(frozen=True)
class Settings:
    """Where the counts go."""

    metrics_namespace: str


def normal(title: str) -> str:
    """A title as it is compared: one width, one case, single spaces, no closing punctuation."""
    text = unicodedata.normalize("NFKC", title).casefold()
    return " ".join(text.split()).strip(EDGES)


SETTINGS = from_environment(Settings)
METRICS = Metrics(client("cloudwatch"), SETTINGS.metrics_namespace)
CATALOGUE = frozenset(
    normal(line)
    for line in Path(__file__).with_name("catalogue.txt").read_text("utf-8").splitlines()
    if line.strip()
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Check one batch's sampled turns and count them by arm, the control's also matched."""
    counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for turn in sampled_turns(event):
        titles = [normal("".join(groups)) for groups in QUOTED.findall(turn["text"])]
        known = sum(title in CATALOGUE for title in titles)
        weights = {turn["arm"]: 1.0}
        if turn["arm"] == "control":
            weights[MATCHED] = matching_weight(turn.get("p_canary"))
        for arm, weight in weights.items():
            counts["TurnsChecked"][arm] += weight
            counts["Hallucinations"][arm] += weight * (known < len(titles))
            counts["NamesQuoted"][arm] += weight * len(titles)
            counts["NamesCorrect"][arm] += weight * known
    METRICS.put_by_arm(counts)
    return {name: dict(by_arm) for name, by_arm in counts.items()}


def sampled_turns(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The turns of a CloudWatch Logs subscription event that carry a text and an arm."""
    batch = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    for entry in batch.get("logEvents", []):
        try:
            line = json.loads(entry["message"])
        except ValueError:
            continue
        if (
            isinstance(line, dict)
            and line.get("event") == "turn"
            and line.get("sampled")
            and line.get("arm")
            and isinstance(line.get("text"), str)
        ):
            yield line
