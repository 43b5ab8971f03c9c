"""Runs checkov over cdk.out in an environment of its own, and judges what it finds by checkov.toml.

checkov pins an SDK far older than this repository's, so it cannot be in the lock; uv gets it, once.
Without a package index it is not run, and says so. Exit status: 0 nothing to mind, 1 something is.
"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = ROOT / "checkov.toml"
_SECONDS = 600


@dataclass(frozen=True)
class Skip:
    """A check that is not minded on some resources, and why."""

    check: str
    resources: tuple[str, ...]
    reason: str

    def covers(self, failure: Failure) -> bool:
        """Whether this is the reason not to mind a failure."""
        return self.check == failure.check and any(
            fnmatch.fnmatchcase(failure.resource, pattern) for pattern in self.resources
        )


@dataclass(frozen=True)
class Failure:
    """One check that one resource of one template does not pass."""

    check: str
    resource: str
    template: str
    title: str


def read_configuration(text: str) -> tuple[str, tuple[Skip, ...]]:
    """The version of checkov, and the skips."""
    document = tomllib.loads(text)
    skips = (
        Skip(each["check"], tuple(each["resources"]), each["reason"]) for each in document["skip"]
    )
    return document["version"], tuple(skips)


def read_failures(report: Any) -> list[Failure]:
    """The failures of checkov's JSON, which is a list where there is more than one framework."""
    parts = report if isinstance(report, list) else [report]
    return [
        Failure(each["check_id"], each["resource"], each["file_path"], each["check_name"])
        for part in parts
        for each in part.get("results", {}).get("failed_checks", ())
    ]


def judge(failures: Iterable[Failure], skips: tuple[Skip, ...]) -> tuple[list[str], list[str]]:
    """The lines of the report, and the complaints."""
    complaints: list[str] = []
    used: Counter[Skip] = Counter()
    for failure in failures:
        reasons = [skip for skip in skips if skip.covers(failure)]
        used.update(reasons)
        if not reasons:
            where = f"{Path(failure.template).name}: {failure.resource}"
            complaints.append(f"{failure.check} {where}: {failure.title}")
    complaints += [
        f"checkov.toml: {skip.check} on {', '.join(skip.resources)} is needed no more"
        for skip in skips
        if not used[skip]
    ]
    lines = [f"accepted {skip.check} x {used[skip]}: {skip.reason}" for skip in skips if used[skip]]
    return lines, sorted(complaints)


def run(version: str, target: Path) -> Any:
    """Checkov's report of a directory; None when it cannot be had."""
    environment = dict(os.environ)
    if "PIP_CERT" in environment:  # uv reads its own certificate settings
        environment.setdefault("SSL_CERT_FILE", environment["PIP_CERT"])
    uv = Path(sys.executable).with_name("uv")
    options = ["--framework", "cloudformation", "--output", "json", "--skip-download"]
    result = subprocess.run(
        [
            *(uv, "tool", "run", "--quiet", "--from", f"checkov=={version}"),
            *("checkov", "--directory", target, "--compact", "--soft-fail", *options),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    try:
        return json.loads(result.stdout)
    except ValueError:
        print(f"checkov {version} was not run: {_last_line(result.stderr)}")
        return None


def main() -> int:
    """Run, print, and say whether something is to be minded."""
    version, skips = read_configuration(CONFIGURATION.read_text())
    report = run(version, ROOT / "cdk.out")
    if report is None:
        return 0
    lines, complaints = judge(read_failures(report), skips)
    passed = sum(
        each["summary"]["passed"] for each in (report if isinstance(report, list) else [report])
    )
    print("\n".join([*lines, *complaints]))
    print(f"checkov {version}: {passed} checks passed, {len(complaints)} to mind")
    return 1 if complaints else 0


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no answer"


if __name__ == "__main__":
    sys.exit(main())
