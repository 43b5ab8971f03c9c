"""Operate a release of a deployed region: start, status, hold, resume, rollback.

Exit status: 0 done, 1 refused (nothing was changed), 2 usage or configuration.
"""

from __future__ import annotations

import functools
import getpass
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from canary.aws.ledger import Registrations
    from canary.aws.memories import Memories
    from canary.aws.records import Releases
    from canary.aws.rollbacks import Rollbacks
    from canary.policy.compiled import CompiledPolicy
    from canary.release.model import ReleaseState

__all__ = [
    "Region",
    "attempt_name",
    "hold",
    "in_region",
    "refuse",
    "resume",
    "rollback",
    "start",
    "status",
]

RELEASES_TABLE = "canary-releases"
TESTS_TABLE = "canary-tests"
ROLLBACKS_TABLE = "canary-rollbacks"
PREFIX = "/mangaassist/canary"
MACHINE = "canary-release"
PAUSE = "canary-pause"
ROLLBACK = "canary-rollback"
_REFUSED = 1
_USAGE = 2
_JSON_FIELDS_LEFT_OUT = ("policy",)


@dataclass(frozen=True)
class Region:
    """One region's clients, made when a command needs them."""

    name: str
    as_json: bool

    def client(self, service: str) -> Any:
        """A client of `service` in this region."""
        from canary.aws.clients import client

        return client(service, region=self.name)

    def releases(self) -> Releases:
        """The table of releases."""
        from canary.aws.records import Releases

        return Releases(self.client("dynamodb"), RELEASES_TABLE)

    def memories(self) -> Memories:
        """What the table of releases remembers of candidates."""
        from canary.aws.memories import Memories

        return Memories(self.client("dynamodb"), RELEASES_TABLE)

    def caller(self) -> str:
        """The ARN of whoever's credentials these are: a person's word, not a flag."""
        return str(self.client("sts").get_caller_identity()["Arn"])

    def tests(self) -> Registrations:
        """The ledger of tests."""
        from canary.aws.ledger import Registrations

        return Registrations(self.client("dynamodb"), TESTS_TABLE)

    def rollbacks(self) -> Rollbacks:
        """The table of rollbacks."""
        from canary.aws.rollbacks import Rollbacks

        return Rollbacks(self.client("dynamodb"), ROLLBACKS_TABLE)

    def policy(self) -> CompiledPolicy:
        """The policy that the region runs."""
        from canary.aws.parameters import Parameters
        from canary.aws.policy_store import load_policy

        return load_policy(Parameters(self.client("ssm"), PREFIX), self.client("s3"))

    def active(self) -> ReleaseState:
        """The active release; without one, the command is refused."""
        state = self.releases().active()
        if state is None:
            refuse("no release is active")
        return state

    def say(self, text: str, document: dict[str, Any]) -> None:
        """Print the line for a person, or the document for a program."""
        click.echo(json.dumps(document, sort_keys=True) if self.as_json else text)


def refuse(reason: str) -> NoReturn:
    """Say why nothing was done, and leave with 1."""
    click.echo(f"canary: refused: {reason}", err=True)
    raise click.exceptions.Exit(_REFUSED)


def in_region(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command its region, and each error of the SDK one line."""

    @click.option("--region", "region_name", default="", help="Region (default: the SDK's).")
    @click.option("--profile", default="", help="Profile of the SDK's configuration.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    @functools.wraps(function)
    def wrapped(*, region_name: str, profile: str, as_json: bool, **options: Any) -> None:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        from canary.cli.sdk_errors import explained

        try:
            if profile:
                boto3.setup_default_session(profile_name=profile)
            function(Region(region_name, as_json), **options)
        except (BotoCoreError, ClientError, LookupError, ValueError) as error:
            click.echo(f"canary: {explained(error, region_name)}", err=True)
            raise click.exceptions.Exit(_USAGE) from None

    return wrapped


@click.command()
@click.argument("candidate")
@click.option("--release-id", default="", help="Name of the release (default: model and time).")
@click.option("--test-id", default="", help="Its test (default: the candidate's only free one).")
@click.option(
    "--hypothesis",
    type=click.Choice(["superiority", "non_inferiority"]),
    default=None,
    help="The registered hypothesis (default: whatever is registered).",
)
@click.option(
    "--offline",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="JSON file of scores, metric to score: one below its gate stops the release at once.",
)
@click.option(
    "--follows",
    default="",
    help="In a later wave: the release promoted in the wave before (default: of the same id).",
)
@click.option(
    "--override-reason",
    default="",
    help="Start in spite of a cooldown or a root cause, with a `canary override` of someone else.",
)
@in_region
def start(
    region: Region,
    *,
    candidate: str,
    release_id: str,
    test_id: str,
    hypothesis: str | None,
    offline: Path | None,
    follows: str,
    override_reason: str,
) -> None:
    """Start a release of CANDIDATE, a model id, for which a test was registered.

    After a rollback of the canary's own fault it is refused for the policy's cooldown, and until
    its root cause was filed and reviewed and the scores are newer than the rollback.
    """
    from canary.aws.executions import Executions
    from canary.cli.register import registered_test
    from canary.cli.restart import refuse_restart

    scores = json.loads(offline.read_text("utf-8")) if offline else {}
    if not isinstance(scores, dict):
        raise click.UsageError(f"{offline}: not a JSON object of scores")
    holder = region.releases().lock()
    if holder:
        refuse(f"{holder.release_id} is active")
    test = registered_test(region, candidate, test_id, hypothesis)
    name = release_id or attempt_name(candidate)
    given: dict[str, Any] = {
        "release_id": name,
        "test_id": test.test_id,
        "candidate": candidate,
        "hypothesis": test.registration.hypothesis,
        "offline_evaluation": scores,
        **({"follows": follows} if follows else {}),
    }
    if override_reason:
        given["override"] = {"by": region.caller(), "reason": override_reason}
    refuse_restart(region, given)
    executions = Executions(region.client("stepfunctions"))
    arn = executions.start(executions.machine(MACHINE), name, given)
    document = {"release_id": name, "test_id": test.test_id, "execution_arn": arn}
    region.say(f"{name} started, test {test.test_id}: {arn}", document)


@click.command()
@click.argument("release_id", default="")
@in_region
def status(region: Region, release_id: str) -> None:
    """Say where RELEASE_ID (default: the active release) stands, and why."""
    state = region.releases().load(release_id) if release_id else region.releases().active()
    if state is None and release_id:
        refuse(f"there is no release {release_id}")
    if state is None:
        region.say("no release is active", {"active": False})
        return
    document = state.to_dict()
    for name in _JSON_FIELDS_LEFT_OUT:
        del document[name]
    lines = [f"{state.release_id}: {state.phase.value} at stage {state.stage} ({state.candidate})"]
    if state.drill is not None:
        lines.append("a fire drill: no customer meets it")
    if state.hold:
        why = state.hold.detail or ", ".join(state.hold.alarms) or "no reason given"
        lines.append(f"held: {state.hold.cause.value}: {why}")
    if state.cause:
        lines.append(f"cause: {state.cause.value}{' (strike)' if state.strike else ''}")
    if state.approved_at is not None:
        lines.append(f"approved by {state.approved_by or 'a person'}")
    if state.override:
        told = state.override
        lines.append(f"started by {told['by']} ({told['reason']}) with leave of {told['second']}")
        lines.append(f"in spite of: {'; '.join(told['waived'])}")
    if state.decisions:
        last = state.decisions[-1]
        lines.append(f"last decision: {last.get('decision')}: {last.get('reason', '')}")
    region.say("\n".join(lines), document | {"active": not state.terminal})


@click.command()
@click.option("--reason", required=True, help="Why; people read it.")
@in_region
def hold(region: Region, reason: str) -> None:
    """Keep the active release at its weights until `canary resume`."""
    state = region.active()
    answer = _pause(region, {"release_id": state.release_id, "detail": reason})
    region.say(f"{state.release_id}: {answer['phase']}", answer)


@click.command()
@click.option("--by", default="", help="Who lifts the hold (default: the user).")
@in_region
def resume(region: Region, by: str) -> None:
    """Lift the hold of the active release."""
    state = region.active()
    if state.hold is None:
        refuse(f"{state.release_id} is not held but {state.phase.value}")
    who = by or getpass.getuser()
    answer = _pause(region, {"release_id": state.release_id, "resume": True, "by": who})
    region.say(f"{state.release_id}: {answer['phase']}", answer)


@click.command()
@click.option("--reason", required=True, help="Why; it goes into the record.")
@click.option("--strike/--no-strike", default=False, help="Hold it against the candidate.")
@click.option("--reject", is_flag=True, help="Never try this candidate again.")
@in_region
def rollback(region: Region, reason: str, strike: bool, reject: bool) -> None:
    """Take all traffic off the canary now and end the active release."""
    from canary.aws.functions import Function

    state = region.active()
    event = {
        "source": "operator",
        "release_id": state.release_id,
        "cause": "operator",
        "strike": strike,
        "reject": reject,
        "detail": f"{getpass.getuser()}: {reason}",
    }
    Function(region.client("lambda"), ROLLBACK).start(event)
    region.say(f"{state.release_id}: rolling back", {"release_id": state.release_id})


def _pause(region: Region, event: dict[str, Any]) -> dict[str, Any]:
    from canary.aws.functions import Function

    try:
        return Function(region.client("lambda"), PAUSE).call({"source": "operator"} | event)
    except RuntimeError as error:
        refuse(str(error))


def attempt_name(candidate: str) -> str:
    """A name for an attempt: the model's, as far as an execution may be called so, and the time."""
    import datetime as dt

    from canary.aws import clock

    moment = dt.datetime.fromtimestamp(clock.now(), tz=dt.UTC)
    model = re.sub(r"[^A-Za-z0-9-]+", "-", candidate).strip("-")[:50]
    return f"{model}-{moment:%Y%m%d-%H%M%S}"
