"""`canary bandits`: what each intent has learned, what an arm is worth, and the weekly review.

Exit status: 0 shown or done, 1 refused (nothing was changed), 2 usage or configuration.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canary.cli.operate import Region, in_region, refuse

if TYPE_CHECKING:
    from canary.aws.bandit_log import BanditLog
    from canary.aws.bandits import Bandits
    from canary.bandits.review import Review
    from canary.bandits.rules import Rules
    from canary.bandits.settle import Outcome
    from canary.bandits.state import BanditState
    from canary.policy.compiled import CompiledPolicy

__all__ = ["bandits"]

BANDITS_TABLE = "canary-bandits"
WORKGROUP = "canary"
DAY_S = 86_400.0
_CONTEXTS = 500


@click.command()
@click.argument("intent", default="")
@click.option("--effect", is_flag=True, help="Estimate from the log what each arm is worth.")
@click.option(
    "--days",
    type=click.IntRange(1, 60),
    default=7,
    show_default=True,
    help="How much of the log is read for that.",
)
@click.option(
    "--plots",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Draw the posteriors into this directory, one SVG an intent.",
)
@click.option("--review", "record", is_flag=True, help="Record the weekly review.")
@in_region
def bandits(
    region: Region, *, intent: str, effect: bool, days: int, plots: Path | None, record: bool
) -> None:
    """Show the bandit of INTENT, or of every intent that learns.

    The posterior of each arm, its chance to be the best, what choosing it would give up, what it
    is served with now, and whether the intent has converged. --effect reads the log and estimates
    each arm against the first, "short is 3.0% (2.0% to 4.0%) better", whatever the bandit did
    with its probabilities in between.

    Exit status: 0 done, 1 refused (nothing was changed), 2 usage or configuration.
    """
    from canary.aws import clock
    from canary.aws.bandits import Bandits
    from canary.bandits.serving import rules_of

    policy, now = region.policy(), clock.now()
    known = [each.intent for each in policy.bandits.intents]
    if intent and intent not in known:
        refuse(f"{intent} has no bandit; the policy has {', '.join(known) or 'none'}")
    kept = Bandits(region.client("dynamodb"), BANDITS_TABLE)
    rules, log = rules_of(policy.bandits), _log(region)
    found = []
    for name in [intent] if intent else known:
        held = kept.load(name)
        if held is None:
            continue
        outcomes = _outcomes(log, held.state, rules, now, days if effect else 1)
        if held.state.kind == "thompson" and not effect:
            outcomes = []
        found.append(_document(kept, held.state, rules, now, outcomes, effect=effect))
    if not found:
        refuse("nothing has been learned yet: the first batch comes within an hour of a deploy")
    _finish(region, policy, kept, found, plots=plots, record=record)


class _Found(dict[str, Any]):
    """One intent's document, with the review that it shows."""

    review: Review | None
    state: BanditState


def _log(region: Region) -> BanditLog:
    from canary.aws.athena import Athena, Tables
    from canary.aws.bandit_log import BanditLog

    tables = Tables(WORKGROUP, "canary", "events", "event_days")
    return BanditLog(Athena(region.client("athena"), tables))


def _outcomes(
    log: BanditLog, state: BanditState, rules: Rules, now: float, days: int
) -> list[Outcome]:
    """What was decided in the last days and can no longer be rewarded, without the canary's."""
    from canary.bandits.settle import outcomes_of

    until = state.settled_until
    since = max(state.started_at, until - days * DAY_S)
    if since >= until or now < until:
        return []
    batch = log.batch(state.intent, since, until, rules.reward_window_s, scored=False)
    return [each for each in outcomes_of(batch, rules) if each.decision.release_arm != "canary"]


def _document(
    kept: Bandits,
    state: BanditState,
    rules: Rules,
    now: float,
    outcomes: list[Outcome],
    *,
    effect: bool,
) -> _Found:
    from canary.bandits.effects import effects
    from canary.bandits.review import review

    contexts = [each.decision.context for each in outcomes if each.decision.context is not None]
    contextual = state.kind == "linucb"
    found = None
    if not contextual or contexts:
        step = max(1, len(contexts) // _CONTEXTS)
        found = review(state, rules, now=now, contexts=contexts[::step])
    serving = state.allocation_at(now)
    document = _Found(
        intent=state.intent,
        kind=state.kind,
        revision=state.revision,
        settled_until=state.settled_until,
        learning_since=state.learning_since,
        shares={arm: parts / 10_000 for arm, parts in serving.shares.items()},
        upcoming=None
        if state.upcoming is None
        else {
            "since": state.upcoming.since,
            "shares": {arm: parts / 10_000 for arm, parts in state.upcoming.shares.items()},
        },
        review=None if found is None else _plain(found),
        findings=list(kept.history(state.intent, "FINDING")),
        reviewed=len(kept.history(state.intent, "REVIEW")),
        effects=[_plain(each) for each in effects(outcomes, [arm.name for arm in state.arms])]
        if effect
        else None,
    )
    document.review, document.state = found, state
    return document


def _finish(
    region: Region,
    policy: CompiledPolicy,
    kept: Bandits,
    found: list[_Found],
    *,
    plots: Path | None,
    record: bool,
) -> None:
    from canary.cli.bandits_plots import draw_posteriors
    from canary.cli.bandits_tables import print_bandit

    if record:
        for each in found:
            if each.review is not None:
                kept.record(each.review, getpass.getuser())
                each["reviewed"] += 1
    written = []
    if plots is not None:
        plots.mkdir(parents=True, exist_ok=True)
        written = [draw_posteriors(plots, each.state) for each in found]
    if region.as_json:
        document = {
            "region": policy.region,
            "recorded": record,
            "plots": [str(path) for path in written],
            "intents": found,
        }
        region.say("", document)
        return
    for each in found:
        print_bandit(each)
    for path in written:
        click.echo(f"wrote {path}")


def _plain(record: Any) -> dict[str, Any]:
    """A dataclass for JSON: what is no number, or infinite, becomes null."""
    import dataclasses
    import math

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [plain(each) for each in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    document: dict[str, Any] = plain(dataclasses.asdict(record))
    return document
