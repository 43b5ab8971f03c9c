"""Write docs/reference/events.md from the schema of events; with --check, say whether it is so."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from canary.events.schema import EVENTS, VERSION, Field

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "events.md"
_ABOUT = {
    "assignment": (
        "A unit was drawn: written by the task whose draw was kept, before the model is asked.\n"
        "Its id is made of test, unit and moment, so that it is one event however often it is told."
    ),
    "turn": "A message and what became of it, answered or not. Its id is new for each request.",
    "outcome": (
        "What became of a conversation, as the customer's client reports it: one event a\n"
        "report, with what that said and null for the rest.\n"
        "Its id is made of what is reported, so that a client may report it twice."
    ),
}


_TOP = f"""# Events

Made from `canary/events/schema.py` by `make events`; change it there.

Each task of the API tier writes one JSON object a line. This is version {VERSION}.
A version may gain fields; what a field means does not change without the next version.
A line that breaks the schema is not written: it is logged, and counted as dropped.

**What is lost, and what comes twice.**
A line is written at once while the reader of standard output keeps up.
What it is too slow for waits, at most 4 MiB; then the newest line is dropped and counted in metric
`EventsDropped` (no dimension, only when there were any), so that no customer waits for a log.
What waits when a task is killed is lost.
The feed behind it delivers at least once: queries read each line once, whatever files hold it, so
that a file which is delivered again changes nothing.

**Words.**
Only sampled turns carry what was said, and only after redaction
(`canary/quality/privacy/redaction.py`): addresses, numbers, and the name a customer gives are
replaced by their kind. Metrics and log lines carry no words at all.

Table `events` of Athena has every field as a column, and the partition `date`."""


def page() -> str:
    """The whole document."""
    parts = [_TOP]
    for name, fields in EVENTS.items():
        rows = "\n".join(_row(each) for each in fields)
        parts += [f"## {name}", _ABOUT[name], f"| field | type | meaning |\n|---|---|---|\n{rows}"]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when the page is not so")
    if not parser.parse_args().check:
        PAGE.write_text(page(), "utf-8")
        return 0
    if PAGE.read_text("utf-8") == page():
        return 0
    print(f"{PAGE}: not as canary/events/schema.py says; run make events", file=sys.stderr)
    return 1


def _row(each: Field) -> str:
    kind = f"{each.kind}, may be null" if each.null else each.kind
    kind = f"{kind}, may be absent" if each.optional else kind
    return f"| `{each.name}` | {kind} | {each.means} |"


if __name__ == "__main__":
    sys.exit(main())
