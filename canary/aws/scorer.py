"""BERTScore behind a SageMaker endpoint: answers and good ones go in, a score each comes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from canary.bandits.quality import ScoringError

__all__ = ["EndpointScorer"]

_AT_ONCE = 32


class EndpointScorer:
    """Asks endpoint `name`: `{"candidates", "references"}` to `{"scores"}`, the best F1 of each."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def scores(self, answers: Sequence[str], references: Sequence[str]) -> list[float]:
        """One score an answer, a few answers a call. Raises `ScoringError`."""
        found: list[float] = []
        for start in range(0, len(answers), _AT_ONCE):
            found += self._ask(answers[start : start + _AT_ONCE], references)
        return found

    def _ask(self, answers: Sequence[str], references: Sequence[str]) -> list[float]:
        document = {"candidates": list(answers), "references": list(references)}
        try:
            reply = self._client.invoke_endpoint(
                EndpointName=self._name,
                ContentType="application/json",
                Body=json.dumps(document).encode(),
            )
            scores = [float(each) for each in json.loads(reply["Body"].read())["scores"]]
        except (ClientError, BotoCoreError, ValueError, KeyError, TypeError) as error:
            raise ScoringError(f"endpoint {self._name}: {error}") from error
        if len(scores) != len(answers):
            raise ScoringError(
                f"endpoint {self._name}: {len(scores)} scores for {len(answers)} answers"
            )
        return scores
