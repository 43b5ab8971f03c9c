"""LiteLLM in an environment of its own: its pins are not this product's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["prepare"]

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".build" / "litellm"
PINS = Path(__file__).with_name("litellm.txt")


def prepare() -> Path:
    """Its Python; the environment is made when it is not there or its pins have changed."""
    python = PLACE / "bin" / "python"
    stamp = PLACE / ".pins"
    if stamp.exists() and stamp.read_bytes() == PINS.read_bytes():
        return python
    uv = str(Path(sys.executable).with_name("uv"))
    for command in (
        [uv, "venv", "-q", "--clear", "--python", sys.executable, str(PLACE)],
        [uv, "pip", "install", "-q", "--python", str(python), "-r", str(PINS)],
    ):
        subprocess.run(command, check=True)  # noqa: S603 - uv, and what is pinned
    stamp.write_bytes(PINS.read_bytes())
    return python
