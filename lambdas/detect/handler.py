"""Reads sampled turns, inspects each, and counts by arm what the quality detector finds."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from canary.aws.clients import client
from canary.aws.metrics import Metrics
from canary.aws.settings import from_environment
from canary.quality.catalogue.catalogue import load_catalogue
from canary.quality.counters import count_findings
from canary.quality.detector import Detector
from canary.quality.facts import find_facts
from canary.quality.turn import Expected, Turn


@dataclass(frozen=True)
class Settings:
    """Where the counts go, and whose store's facts hold: the runtime names its region."""

    metrics_namespace: str
    aws_region: str = ""


SETTINGS = from_environment(Settings)
METRICS = Metrics(client("cloudwatch"), SETTINGS.metrics_namespace)
FACTS = find_facts(SETTINGS.aws_region)
if FACTS is None:
    print(f"store_facts.toml: no region {SETTINGS.aws_region}: prices and promises go unchecked")  # noqa: T201 - the function's log
DETECTOR = Detector(load_catalogue(), FACTS)
EXPECTED = FACTS.expected if FACTS else Expected.QUESTION


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Inspect one batch's sampled turns and count them by arm, the control's also matched."""
    counts = count_findings(
        (turn["arm"], turn.get("p_canary"), DETECTOR.inspect(_asked_and_answered(turn)))
        for turn in sampled_turns(event)
    )
    METRICS.put_by_arm(counts)
    return {name: dict(by_arm) for name, by_arm in counts.items()}


def sampled_turns(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The turns of a CloudWatch Logs subscription event that carry both texts and an arm."""
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
            and isinstance(line.get("question"), str)
            and isinstance(line.get("text"), str)
        ):
            yield line


def _asked_and_answered(line: dict[str, Any]) -> Turn:
    return Turn(line["question"], line["text"], EXPECTED)
