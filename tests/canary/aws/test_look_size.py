"""What a look weighs at the policy's own volumes: decision 21 quotes these figures."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from canary.aws.facts_sql import TAIL_LEAST, TAIL_SHARE, measured
from canary.aws.looks import pack
from canary.decision.engine import evaluate
from canary.decision.facts import Cell, Draws, Facts, LatencyTail, Moments
from canary.decision.record import LookRecord
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.release.model import Phase
from canary.routing.rates import rate
from tests.canary.samples import DAY, release

ROOT = Path(__file__).parents[3]
DAYS = {1: 4 / 24, 2: 1.0, 3: 12.0}
"""How long each stage lasts when nothing extends it."""


class Volumes:
    """Facts of so many customers as the policy says, with numbers that do not repeat."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy
        self.chance = random.Random(1)

    def cells(self, stage: int, *names: str) -> tuple[Cell, ...]:
        return tuple(
            Cell(intent.name, p, stage, arm, {name: self.moments(n * share) for name in names})
            for intent in self.policy.intents
            for p in (rate(self.policy, stage, intent.name),)
            for n in (intent.daily_volume * DAYS[stage],)
            for arm, share in (("control", 1 - p), ("canary", p))
        )

    def moments(self, n: float) -> Moments:
        """Customers who come one and a half times; what they do differs from cell to cell."""
        units, y = round(n / 1.5), round(n * self.chance.uniform(0.7799, 0.7801))
        return Moments(
            *(float(each) for each in (units, round(n), y, 2 * round(n), round(1.4 * y), 2 * y))
        )

    def tail(self, stage: int, share: float) -> LatencyTail:
        n = round(sum(i.daily_volume for i in self.policy.intents) * DAYS[stage] * share)
        slowest = (
            round(self.chance.lognormvariate(7.2, 0.5), 1)
            for _ in range(TAIL_LEAST + int(TAIL_SHARE * n))
        )
        return LatencyTail(n, tuple(sorted(slowest, reverse=True)))

    def look(self, stage: int) -> LookRecord:
        policy, share = self.policy, self.policy.stages[stage].rate
        names = [metric.name for metric in measured(policy.metrics)]
        primary = policy.statistics.primary_metric
        parts = {
            "weekday": [str(day) for day in range(7)],
            "calendar": ["outside"],
            "exposure": ["early", "between", "late"],
        }
        start = 14 * DAY - DAYS[stage] * DAY
        known = Facts(
            as_of=14.0 * DAY,
            cells=tuple(c for each in range(1, stage + 1) for c in self.cells(each, *names)),
            block_cells=self.cells(stage, *names),
            latency={
                "control": self.tail(stage, 1 - share),
                "canary": self.tail(stage, share),
            },
            draws=tuple(Draws(each, 0.05, 95_000, 5_000) for each in range(1, stage + 1)),
            groups={
                part: {piece: self.cells(3, primary) for piece in pieces}
                for part, pieces in parts.items()
                if stage == 3
            },
        )
        state = release(
            policy,
            phase=Phase.BAKING,
            stage=stage,
            stage_started_at=start,
            block_started_at=start,
            first_exposure_at=0.0,
        )
        taken = evaluate(policy, state, known, asked_stage=stage)
        last = taken.to_dict()
        # As the record keeps them: only the last has its verdicts.
        before = replace(state, decisions=(*[last | {"verdicts": []}] * 9, last))
        return LookRecord(before, known, stage, taken.to_exact_dict())


@pytest.mark.parametrize(("stage", "least", "most"), [(1, 10, 16), (2, 30, 46), (3, 95, 130)])
def test_a_look_weighs_what_its_decision_record_says(stage: int, least: int, most: int) -> None:
    """KiB at the end of each stage, compressed: most of it is the slowest conversations."""
    own = compile_policy(load_policy(ROOT / "policy" / "mangaassist.toml"), "us-east-1")
    record = Volumes(own).look(stage)
    assert record.decision["verdicts"]
    size = len(pack(record)) / 1024
    assert least < size < most, f"stage {stage}: {size:.0f} KiB"
