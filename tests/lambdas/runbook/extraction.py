"""Every command that the runbook tells a person to run, as a shell reads it.

A shell without a PATH expands each text; the tools are functions in it that only say how they were
called. So quoting is the shell's own, and whatever else stands in a block is an error.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

RUNBOOK = Path(__file__).parents[3] / "docs" / "runbook.md"
TOOLS = ("aws", "canary", "cdk", "make")
VARIABLES = ("CANARY", "DEPLOYMENT", "JOB", "PRIMARY", "RULE", "TOKEN")
"""What a person puts in by hand; here each stands for itself, as `{RULE}`."""
_SHOWN_AT_MOST = 60
_SPOKEN_OF = frozenset({"cdk deploy"})
"""What the runbook names and tells nobody to run."""
_TELL = "{ printf '%s\\0' TOOL \"$@\"; printf '\\1\\0'; }"


@dataclass(frozen=True)
class Command:
    """One command of one section: `place` is the section's heading."""

    place: str
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The words; what is too long to name a command by is `…`."""
        return " ".join(word if len(word) <= _SHOWN_AT_MOST else "…" for word in self.words)


@cache
def commands(text: str | None = None) -> tuple[Command, ...]:
    """The commands of the runbook (or of `text`), in its order; each once a section.

    Raises `ValueError` for a text that a shell does not read, or that has another program in it.
    """
    found: dict[Command, None] = {}
    place = ""
    for part in re.split(r"^(?=##+ )", text or RUNBOOK.read_text("utf-8"), flags=re.MULTILINE):
        heading = re.match(r"##+ (.+)", part)
        place = heading[1] if heading else place
        for quoted in _quoted(part):
            for words in _calls(quoted):
                found[Command(place, words)] = None
    return tuple(found)


def _quoted(part: str) -> list[str]:
    """The shell blocks of a section, and the inline code that begins with a tool."""
    blocks = re.findall(r"^```sh\n(.*?)^```", part, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", part, flags=re.DOTALL | re.MULTILINE)
    inline = [
        quoted
        for quoted in re.findall(r"`([^`\n]+)`", prose)
        if quoted.split()[0] in TOOLS and " " in quoted and quoted not in _SPOKEN_OF
    ]
    return [*blocks, *inline]


def _calls(text: str) -> list[tuple[str, ...]]:
    functions = [f"{tool}() {_TELL.replace('TOOL', tool)}" for tool in TOOLS]
    script = "\n".join(["set -eu", *functions, text])
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        capture_output=True,
        check=False,
        env={"PATH": "/nowhere", **{name: f"{{{name}}}" for name in VARIABLES}},
    )
    if done.returncode:
        raise ValueError(f"{text.strip()}: {done.stderr.decode().strip()}")
    calls = done.stdout.decode().split("\0\1\0")
    return [tuple(call.split("\0")) for call in calls if call]
