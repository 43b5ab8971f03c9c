"""`docs/reference/api.md` says what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_of_the_api_is_the_codes_own() -> None:
    """A change of an endpoint shows in the reference within the same commit."""
    script = ROOT / "scripts" / "api_reference.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
