"""What bandits decided and what came of it, read from the events that customers made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from canary.aws.athena import Athena, Row
from canary.aws.bandits_sql import decided
from canary.bandits.log import Decision, QualityScore, Reward
from canary.bandits.plain import decision_of
from canary.bandits.quality import Scorer
from canary.bandits.settle import Batch

__all__ = ["BanditLog"]


class BanditLog:
    """Reads one intent's stretch of time as a batch; `scorer` None leaves quality out."""

    def __init__(
        self,
        athena: Athena,
        scorer: Scorer | None = None,
        references: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._athena = athena
        self._scorer = scorer
        self._references = references or {}

    def batch(
        self, intent: str, since: float, until: float, window: float, *, scored: bool = True
    ) -> Batch:
        """All decisions with since <= decided_at < until, their rewards and their scores.

        Raises `QueryError`; `ScoringError` when answers cannot be scored: without `scored` they
        are not.
        """
        query = decided(self._athena.table, intent, since, until, window)
        [rows] = self._athena.run([query])
        read = [(decision_of(json.loads(str(row["bandit"]))), row) for row in rows]
        inside = [(each, row) for each, row in read if since <= each.decided_at < until]
        return Batch(
            since=since,
            until=until,
            decisions=list({each.decision_id: each for each, _ in inside}.values()),
            rewards=[
                Reward(each.decision_id, row["completed"] == "true", float(row["at"]))
                for each, row in inside
                if row["at"] is not None
                # What a conversation did before its decision is no reward of it.
                and float(row["at"]) >= each.decided_at
            ],
            scores=self._scores(intent, inside) if scored else [],
        )

    def _scores(self, intent: str, rows: Sequence[tuple[Decision, Row]]) -> list[QualityScore]:
        references = self._references.get(intent, ())
        said = {
            each.decision_id: (str(row["text"]), float(row["scored_at"] or each.decided_at))
            for each, row in rows
            if row["text"]
        }
        if not said or not references or self._scorer is None:
            return []
        scores = self._scorer.scores([text for text, _ in said.values()], references)
        return [
            QualityScore(key, score, at)
            for (key, (_, at)), score in zip(said.items(), scores, strict=True)
        ]
