"""`canary ledger`: every registered test, what it was held to, and the quarter's review.

Exit status: 0 shown or done, 1 refused (nothing was changed), 2 usage or configuration.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from canary.cli.operate import Region, in_region, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary.ledger.entry import Entry
    from canary.ledger.review import Account, Line
    from canary.policy.compiled import CompiledPolicy

__all__ = ["ledger"]


@click.command()
@click.option("--review", "as_review", is_flag=True, help="The quarter's review instead.")
@click.option("--abandon", default="", metavar="TEST_ID", help="End a test that never started.")
@in_region
def ledger(region: Region, *, as_review: bool, abandon: str) -> None:
    """Show the region's tests: state, level, p-value, LORD++, Benjamini-Hochberg, alpha wealth.

    The review lists what was settled within the policy's review period, and every discovery whose
    Benjamini-Hochberg adjusted p-value has risen above its q since. It changes no decision.

    Exit status: 0 done, 1 refused (nothing was changed), 2 usage or configuration.
    """
    if abandon:
        _abandon(region, abandon)
        return
    from canary.aws import clock

    policy, entries, now = region.policy(), region.tests().entries(), clock.now()
    if as_review:
        _show_review(region, policy, entries, now)
    else:
        _show_accounts(region, policy, entries, now)


def _abandon(region: Region, test_id: str) -> None:
    from canary.aws import clock
    from canary.aws.ledger import TakenError
    from canary.ledger.entry import Outcome, Settlement

    tests = region.tests()
    entry = tests.find(test_id)
    if entry is None:
        refuse(f"test {test_id} is not registered; `canary ledger` lists those that are")
    ended = Settlement(clock.now(), Outcome.ABANDONED, None, discovery=False)
    try:
        tests.abandon(entry, ended)
    except TakenError as error:
        refuse(str(error))
    region.say(f"{test_id}: abandoned", {"test_id": test_id, "state": "abandoned"})


def _show_accounts(
    region: Region, policy: CompiledPolicy, entries: Sequence[Entry], now: float
) -> None:
    from canary.cli.ledger_tables import print_accounts
    from canary.ledger.review import FAMILIES, account

    accounts = [account(entries, policy.ledger, family, now) for family in FAMILIES]
    if not region.as_json:
        print_accounts(policy, [each for each in accounts if each.lines] or accounts[:1])
        return
    document = {
        "region": policy.region,
        "fdr": policy.ledger.fdr,
        "families": [_account(each) for each in accounts],
    }
    region.say("", document)


def _show_review(
    region: Region, policy: CompiledPolicy, entries: Sequence[Entry], now: float
) -> None:
    from canary.cli.ledger_tables import print_review
    from canary.ledger.review import review

    found = review(entries, policy.ledger, now)
    if not region.as_json:
        print_review(policy, found)
        return
    document = {
        "region": policy.region,
        "since": found.since,
        "until": found.until,
        "discoveries": found.discoveries,
        "expected_false": found.expected_false,
        "settled": [_line(line) for line in found.settled],
        "risen": [_line(line) for line in found.risen],
    }
    region.say("", document)


def _account(found: Account) -> dict[str, Any]:
    return {
        "family": found.family,
        "q": found.q,
        "discoveries": found.discoveries,
        "next": dataclasses.asdict(found.following),
        "tests": [_line(line) for line in found.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    settled = line.entry.settlement
    return {
        **line.entry.to_dict(),
        "test_id": line.entry.test_id,
        "state": line.entry.state,
        "p": settled.p if settled else None,
        "passes_level": line.passes_level,
        "passes_lord": line.passes_lord,
        "adjusted_then": line.adjusted_then,
        "adjusted_now": line.adjusted_now,
        "risen": line.risen,
    }
