"""Synthesizes the checkout's CDK app, once for each content, for the embedded region to deploy."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["CHECKOUT_PARTS", "NotACheckoutError", "SynthesisError", "checkout_root", "synthesize"]

CHECKOUT_PARTS = ("app.py", "cdk.json", "stacks", "lambdas", "services", "policy")
"""What a checkout has and an installed package lacks."""

_INPUTS = (*CHECKOUT_PARTS, "canary", "requirements.lock")
_SKIPPED = {"__pycache__", "local", "cli"}


class NotACheckoutError(Exception):
    """The command runs outside a checkout: there is no app to synthesize."""


class SynthesisError(Exception):
    """`app.py` failed; the message ends with its last lines."""


def checkout_root() -> Path:
    """The checkout this package stands in. Raises `NotACheckoutError` anywhere else."""
    root = Path(__file__).resolve().parents[2]
    missing = [part for part in CHECKOUT_PARTS if not (root / part).exists()]
    if missing:
        raise NotACheckoutError(
            f"canary local needs a checkout of the repository: {root} has no {', '.join(missing)}"
        )
    return root


def synthesize(root: Path, policy: Path, *, environment: Mapping[str, str] | None = None) -> Path:
    """The assembly of `root` under `policy`, from the cache when nothing it reads has changed.

    Who asks while another process synthesizes the same waits for it. `environment` is what the
    app is told besides; it is no part of what the cache goes by.
    """
    digest = _digest(root, policy)
    target = root / ".build" / "synth" / digest
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "manifest.json").exists():
            _synthesize(root, policy, target, environment or {})
    return target


def _synthesize(root: Path, policy: Path, target: Path, environment: Mapping[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, str(root / "app.py")],
        cwd=root,
        env={
            **os.environ,
            "CANARY_NAG": "0",
            **environment,
            "CDK_OUTDIR": str(target),
            "CANARY_POLICY": str(policy),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        shutil.rmtree(target, ignore_errors=True)  # what failed must not be taken for made
        last = "\n".join((result.stderr or result.stdout).strip().splitlines()[-8:])
        raise SynthesisError(f"app.py could not be synthesized:\n{last}")


def _digest(root: Path, policy: Path) -> str:
    digest = hashlib.sha256()
    for path in (*_files(root), policy.resolve()):
        digest.update(str(path.relative_to(root) if path.is_relative_to(root) else path).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterator[Path]:
    for part in _INPUTS:
        start = root / part
        if start.is_file():
            yield start
            continue
        for path in sorted(start.rglob("*")):
            inside = path.relative_to(root).parts
            skipped = (
                _SKIPPED.intersection(inside) if part == "canary" else {"__pycache__"} & set(inside)
            )
            if path.is_file() and not skipped:
                yield path
