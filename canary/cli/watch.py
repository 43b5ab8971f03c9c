"""`canary watch`: follow a release until it is over; who stops watching stops nothing else."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from canary.cli.operate import Region, in_region, refuse

if TYPE_CHECKING:
    from canary.release.model import ReleaseState

__all__ = ["Sight", "changes", "sight_of", "watch"]

_ENDED_OTHERWISE = 1
_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Sight:
    """What one look at the region shows."""

    release_id: str
    candidate: str
    phase: str
    percent: float
    """Of the stage in force."""
    why: str = ""
    """Of a hold or of an end; empty where nothing is wrong."""
    decisions: tuple[tuple[float, str], ...] = ()
    """When (epoch seconds), and its kind and reason."""
    raised: dict[str, float] = field(default_factory=dict)
    """Guardrail alarms in ALARM, and since when."""
    over: bool = False


def sight_of(state: ReleaseState, raised: dict[str, float]) -> Sight:
    """A record and the alarms, as a person looks at them."""
    from canary.policy.compiled import CompiledPolicy

    why = ""
    if state.hold:
        told = state.hold.detail or ", ".join(state.hold.alarms) or "no reason given"
        why = f"{state.hold.cause.value}: {told}"
    elif state.cause:
        why = f"{state.cause.value}{' (strike)' if state.strike else ''}"
    return Sight(
        release_id=state.release_id,
        candidate=state.candidate,
        phase=state.phase.value,
        percent=100 * CompiledPolicy.from_json(state.policy).stages[state.stage].rate,
        why=why,
        decisions=tuple(
            (float(each["at"]), f"{each['decision']}: {each.get('reason', '')}")
            for each in state.decisions
        ),
        raised=raised,
        over=state.terminal,
    )


def changes(before: Sight | None, now: Sight) -> list[tuple[str, str]]:
    """What is new since the last look, as kind (`phase`, `decision`, `alarm`) and text."""
    found: list[tuple[str, str]] = []
    stands = f"{now.phase} at {now.percent:g}%" + (f" ({now.why})" if now.why else "")
    if before is None:
        found.append(("phase", f"{now.release_id} of {now.candidate}: {stands}"))
    elif (before.phase, before.percent, before.why) != (now.phase, now.percent, now.why):
        found.append(("phase", stands))
    told = before.decisions[-1][0] if before and before.decisions else 0.0
    if before is None:
        told = now.decisions[-2][0] if len(now.decisions) > 1 else 0.0
    found += [("decision", text) for at, text in now.decisions if at > told]
    known = before.raised if before else {}
    found += [("alarm", f"{name}: ALARM") for name in sorted(now.raised.keys() - known.keys())]
    found += [("alarm", f"{name}: over") for name in sorted(known.keys() - now.raised.keys())]
    return found


@click.command()
@click.argument("release_id", default="")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=_POLL_SECONDS,
    show_default=True,
    help="Seconds between two looks.",
)
@in_region
def watch(region: Region, release_id: str, every: float) -> None:
    """Follow RELEASE_ID (default: the active release) until it is over.

    Prints a line for each change of phase, each decision, each alarm. Ctrl-C ends the watching,
    not the release. Exit status: 0 promoted; 1 rolled back, rejected, or there is none; 130 Ctrl-C.
    """
    from canary.aws import clock
    from canary.aws.alarms import Alarms
    from canary.release.model import Phase

    releases, alarms = region.releases(), Alarms(region.client("cloudwatch"))
    name = release_id or region.active().release_id
    before: Sight | None = None
    while True:
        state = releases.load(name)
        if state is None:
            refuse(f"there is no release {name}")
        now = sight_of(state, dict(alarms.raised()))
        for kind, text in changes(before, now):
            _print(region, clock.now(), kind, text)
        if now.over:
            break
        before = now
        clock.sleep(every)
    if state.phase is not Phase.PROMOTED:
        raise click.exceptions.Exit(_ENDED_OTHERWISE)


def _print(region: Region, at: float, kind: str, text: str) -> None:
    moment = dt.datetime.fromtimestamp(at, tz=dt.UTC)
    document: dict[str, Any] = {"at": moment.isoformat(timespec="seconds"), kind: text}
    shown = f"{moment:%H:%M:%S}  {'alarm ' if kind == 'alarm' else ''}{text}"
    click.echo(json.dumps(document) if region.as_json else shown)
