"""`canary register`: write down what a test is to show, before a customer meets the candidate.

Exit status: 0 registered, 1 refused (nothing was written), 2 usage or configuration.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from canary.cli.operate import Region, attempt_name, in_region, refuse

if TYPE_CHECKING:
    from canary.ledger.entry import Entry
    from canary.ledger.registration import Registration
    from canary.ledger.resolution import Resolution
    from canary.policy.compiled import CompiledPolicy

__all__ = ["RULES", "level_words", "register", "registered_test"]

_KEYS: dict[str, type | tuple[type, ...]] = {
    "candidate": str,
    "test_id": str,
    "text": str,
    "hypothesis": str,
    "primary_metric": str,
    "secondary_metrics": list,
    "guardrails": list,
    "mde": (int, float),
    "margin": (int, float),
    "looks": list,
    "registered_by": str,
}
"""What a registration's file may say, and the type of each value."""
RULES = {"lord": "LORD++", "bh": "Benjamini-Hochberg", "alpha_investing": "alpha investing"}


@click.command()
@click.argument("candidate", default="")
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML of a registration; options given as well take its place.",
)
@click.option("--text", default=None, help="The hypothesis in a sentence.")
@click.option("--test-id", default=None, help="Name of the test (default: model and time).")
@click.option(
    "--hypothesis",
    type=click.Choice(["superiority", "non_inferiority"]),
    default=None,
    help="What the primary metric is to show (default: the policy's).",
)
@click.option("--primary", "primary_metric", default=None, help="The one primary metric.")
@click.option("--secondary", "secondary_metrics", multiple=True, help="Reported beside it.")
@click.option("--guardrail", "guardrails", multiple=True, help="Must not get worse.")
@click.option("--mde", type=float, default=None, help="Smallest effect of interest, .01 a point.")
@click.option("--margin", type=float, default=None, help="Allowed loss, at most the policy's.")
@click.option("--by", "registered_by", default=None, help="Who registers (default: the user).")
@click.option("--dry-run", is_flag=True, help="Show what would be reserved; write nothing.")
@in_region
def register(
    region: Region, *, candidate: str, file: Path | None, dry_run: bool, **options: Any
) -> None:
    """Register a test of CANDIDATE, a model id, with the region's policy and its ledger.

    A registration is written once and never changed; one release attempt may run it.

    Exit status: 0 registered, 1 what the policy cannot run or a name that is taken (nothing was
    written), 2 usage or configuration.
    """
    from canary.aws.ledger import AlreadyRegisteredError, LedgerContendedError
    from canary.ledger.levels import next_entry
    from canary.ledger.registration import registration_problems

    policy = region.policy()
    given = {name: value for name, value in options.items() if value not in (None, ())}
    stated = (_read(file) if file else {}) | given | ({"candidate": candidate} if candidate else {})
    made = _registration(policy, stated)
    if problems := registration_problems(made, policy):
        refuse("; ".join(problems))
    tests = region.tests()
    try:
        if dry_run:
            entry = next_entry(tests.entries(), made, policy)
        else:
            entry = tests.reserve(made, lambda known: next_entry(known, made, policy))
    except (AlreadyRegisteredError, LedgerContendedError) as error:
        refuse(str(error))
    found = _resolution(policy, entry)
    document = {
        **entry.to_dict(),
        "test_id": entry.test_id,
        "registered": not dry_run,
        "resolves": {"by_test": found.by_test, "by_ledger": found.by_ledger},
    }
    region.say("\n".join(_lines(entry, found, dry_run=dry_run)), document)


def registered_test(region: Region, candidate: str, test_id: str, hypothesis: str | None) -> Entry:
    """The test that a release of `candidate` is to run; without one the command is refused."""
    tests = region.tests()
    if test_id:
        entry = tests.find(test_id)
        if entry is None:
            command = f"canary register {candidate} --test-id {test_id}"
            refuse(f"test {test_id} is not registered: `{command}` first")
    else:
        free = [
            each
            for each in tests.entries()
            if each.state == "registered" and each.registration.candidate == candidate
        ]
        if not free:
            refuse(f"no test of {candidate} is free: `canary register {candidate}` first")
        if len(free) > 1:
            names = ", ".join(each.test_id for each in free)
            refuse(f"{candidate} has more than one free test, choose by --test-id: {names}")
        (entry,) = free
    registered = entry.registration
    if registered.candidate != candidate:
        refuse(f"test {entry.test_id} was registered for {registered.candidate}, not {candidate}")
    if entry.state != "registered":
        refuse(f"test {entry.test_id} is {entry.state}: a new attempt needs a test of its own")
    if hypothesis not in (None, registered.hypothesis):
        refuse(f"test {entry.test_id} was registered for {registered.hypothesis}, not {hypothesis}")
    return entry


def level_words(entry: Entry) -> str:
    """The level that a test reserved, and by which rule."""
    if entry.method == "bh":
        return f"{entry.level:.3g} (LORD++; Benjamini-Hochberg decides)"
    return f"{entry.level:.3g} ({RULES[entry.method]})"


def _registration(policy: CompiledPolicy, stated: dict[str, Any]) -> Registration:
    """What is stated, and the policy's word for the rest."""
    from dataclasses import replace

    from canary.aws import clock
    from canary.ledger.registration import default_registration
    from canary.policy.duration import parse_duration

    for name, words in (("candidate", "CANDIDATE, a model id"), ("text", "--text, the hypothesis")):
        if not stated.get(name):
            raise click.UsageError(f"{words}, is missing: as an argument, or {name} in --file")
    changes: dict[str, Any] = {
        name: stated[name] for name in ("hypothesis", "mde", "margin") if name in stated
    }
    for name in ("secondary_metrics", "guardrails"):
        if name in stated:
            changes[name] = tuple(stated[name])
    if "looks" in stated:
        changes["looks_seconds"] = tuple(parse_duration(each) for each in stated["looks"])
    made = default_registration(
        policy,
        test_id=stated.get("test_id") or attempt_name(stated["candidate"]),
        candidate=stated["candidate"],
        text=stated["text"],
        by=stated.get("registered_by") or getpass.getuser(),
        at=clock.now(),
        primary_metric=stated.get("primary_metric", ""),
    )
    return replace(made, **changes)


def _read(file: Path) -> dict[str, Any]:
    import tomllib

    try:
        stated = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file}: no TOML ({error})") from None
    for name, value in stated.items():
        if name not in _KEYS:
            raise click.UsageError(f"{file}: {name}: no such key; the keys are {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[name]) or isinstance(value, bool):
            raise click.UsageError(f"{file}: {name}: {value!r} is not of the right type")
    return stated


def _resolution(policy: CompiledPolicy, entry: Entry) -> Resolution:
    from canary.decision.measures import unit_variance
    from canary.ledger.resolution import resolution

    metric = policy.metric(entry.registration.primary_metric)
    return resolution(policy, variance=unit_variance(policy, metric), level=entry.level)


def _lines(entry: Entry, found: Resolution, *, dry_run: bool) -> list[str]:
    made = entry.registration
    looks = ", ".join(f"{seconds / 86_400:.3g}" for seconds in made.looks_seconds)
    family = entry.family.replace("_", "-")
    done = "would be registered" if dry_run else "registered"
    wanted = made.margin if made.hypothesis == "non_inferiority" else made.mde
    place = f"test {entry.number} of the {family} family, q {entry.q:g}"
    power = (
        f"{100 * found.by_test:.2f} points at the test's alpha, "
        f"{100 * found.by_ledger:.2f} at this level (power 80%); wanted: {100 * wanted:.2f}"
    )
    lines = [
        f"{made.test_id} {done} for {made.candidate} in {made.region}",
        f"  hypothesis  {made.hypothesis} on {made.primary_metric}: {made.text}",
        f"  guardrails  {', '.join(made.guardrails) or 'none'}",
        f"  secondary   {', '.join(made.secondary_metrics) or 'none'}",
        f"  looks       days {looks} since first exposure",
        f"  level       {level_words(entry)}: {place}",
        f"  resolves    {power}",
    ]
    if found.effect > wanted:
        lines.append("  NOTE: at the policy's volumes it will hardly find what it is to show")
    if not dry_run:
        lines.append(
            f"next: canary start {made.candidate} --test-id {made.test_id} --offline SCORES"
        )
    return lines
