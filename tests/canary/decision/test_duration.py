"""A8's matrix: how long a test lasts at least, row by row, and where each row is enforced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from canary.decision.confirmatory import project_v_max
from canary.decision.duration import planned_seconds
from canary.decision.engine import evaluate
from canary.policy.checks.statistics import check_looks, minimum_test
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import Closure, CompiledPolicy, Gate
from canary.policy.model import IntentRule, Policy
from canary.release.model import DecisionKind
from tests.canary.decision.looks import DAY, at_stage, cells, facts, policy

ROOT = Path(__file__).parents[3]
SALE = Closure("sale", "1970-01-05", "1970-01-06")
"""Four days after the first exposure, which is the first second of 1970 in UTC."""


@pytest.fixture(scope="module")
def written() -> Policy:
    """The product's own policy."""
    return load_policy(ROOT / "policy" / "mangaassist.toml")


def touching(written: Policy, *names: str) -> tuple[IntentRule, ...]:
    """Intents of these names only, with the volumes of all."""
    return tuple(each for each in written.intents if each.name in names)


@pytest.mark.parametrize(
    ("intents", "days"),
    [
        (("faq", "order_tracking"), 7),
        (("faq", "recommendation"), 14),
        (("faq", "escalation"), 14),
    ],
    ids=["standard", "revenue-critical", "low-traffic"],
)
def test_a_test_lasts_as_long_as_its_most_demanding_intent(
    written: Policy, intents: tuple[str, ...], days: int
) -> None:
    """7 days; 14 with an intent that earns money, or one with fewer than 10,000 a day."""
    touched = touching(written, *intents)
    region = replaced(written.regions[0], daily_conversations=sum(i.daily_volume for i in touched))
    assert minimum_test(written.statistics.minimum_test, touched, region) == days * DAY


@pytest.mark.parametrize(
    ("intents", "last", "refused"),
    [
        (("faq", "order_tracking"), 7, False),
        (("faq", "order_tracking"), 6, True),
        (("faq", "recommendation"), 7, True),
        (("faq", "escalation"), 13, True),
        (("faq", "recommendation", "escalation"), 14, False),
    ],
)
def test_the_policy_check_refuses_a_last_look_before_the_minimum(
    written: Policy, intents: tuple[str, ...], last: int, refused: bool
) -> None:
    """The look that decides benefit comes when the matrix's row is over."""
    touched = touching(written, *intents)
    total = sum(intent.daily_volume for intent in touched)
    regions = tuple(replaced(each, daily_conversations=total) for each in written.regions)
    statistics = replaced(written.statistics, looks=(2 * DAY, last * DAY))
    found = list(check_looks(statistics, written.stages, touched, regions))
    assert bool(found) is refused, found


def replaced(part: Any, **changes: Any) -> Any:
    """A part of a policy with some keys changed."""
    return part.model_copy(update=changes)


def seven_days(*calendar: Closure) -> CompiledPolicy:
    """A policy whose test lasts seven days where no promotion falls into it."""
    plain = policy(gates=(Gate("error", 3, "must_pass", "points", 0.0025),), calendar=calendar)
    looks = (2 * DAY, 4 * DAY, 7 * DAY)
    return replace(
        plain,
        timezone="UTC",
        statistics=replace(
            plain.statistics,
            looks_seconds=looks,
            test_seconds=7 * DAY,
            promotion_test_seconds=14 * DAY,
        ),
    )


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("1970-01-05", "1970-01-06", 14),
        ("1969-12-28", "1970-01-01", 14),
        ("1970-01-08", "1970-01-09", 14),
        ("1970-01-09", "1970-01-10", 7),
        ("1969-12-28", "1969-12-31", 7),
    ],
    ids=["within", "over its start", "at its end", "after it", "before it"],
)
def test_a_test_that_a_promotion_falls_into_lasts_fourteen_days(
    first: str, last: str, days: int
) -> None:
    """Only when it meets the seven planned days."""
    own = seven_days(Closure("sale", first, last))
    assert planned_seconds(own, at_stage(3, of=own)) == days * DAY


def test_a_longer_test_is_never_shortened_by_a_promotion() -> None:
    """The default's fourteen days stay fourteen, whatever the row asks."""
    own = seven_days(SALE)
    long = replace(own, statistics=replace(own.statistics, promotion_test_seconds=5 * DAY))
    assert planned_seconds(long, at_stage(3, of=long)) == 7 * DAY
    assert planned_seconds(own, replace(at_stage(3, of=own), first_exposure_at=None)) == 7 * DAY


@pytest.mark.parametrize(
    ("calendar", "at", "kind"),
    [
        ((), 7, DecisionKind.PROMOTE),
        ((SALE,), 7, DecisionKind.EXTEND),
        ((SALE,), 13, DecisionKind.EXTEND),
        ((SALE,), 14, DecisionKind.PROMOTE),
    ],
)
def test_the_look_that_decides_moves_to_the_end_of_the_longer_test(
    calendar: tuple[Closure, ...], at: int, kind: DecisionKind
) -> None:
    """A benefit that is proved on day 7 waits for day 14 when a promotion fell into the test."""
    own = seven_days(*calendar)
    data = facts(at * DAY, cells(200_000, stage=3, canary={"completion": 0.81}))
    found = evaluate(own, at_stage(3, of=own), data)
    assert found.kind is kind
    assert (found.benefit is True) is (kind is DecisionKind.PROMOTE)


def test_the_planned_information_reaches_to_the_longer_test_s_end() -> None:
    """Twice the days at 50%, and about twice the information to come."""
    start = facts(2 * DAY)
    plain, across = seven_days(), seven_days(SALE)
    planned = [project_v_max(each, at_stage(3, of=each), start) for each in (plain, across)]
    assert planned[1] / planned[0] == pytest.approx((14 - 2) / (7 - 2))


def test_the_products_policy_names_every_row(written: Policy) -> None:
    """Standard 7 days; low traffic below 10,000 a day, revenue-critical and promotion 14."""
    rows = written.statistics.minimum_test
    assert (rows.standard, rows.revenue_critical) == (7 * DAY, 14 * DAY)
    assert (rows.low_traffic, rows.low_traffic_below, rows.promotion) == (
        14 * DAY,
        10_000,
        14 * DAY,
    )
    compiled = compile_policy(written, written.regions[0].name)
    assert compiled.statistics.promotion_test_seconds == 14 * DAY
