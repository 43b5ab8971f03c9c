"""Time-outs of calls to AWS, as much longer as this machine is slower than an ordinary one.

They say how long AWS may take. Here an emulator on the same two cores answers, and on a slow
machine its answer would come too late for no reason that AWS ever has.

`python -m canary.local.patience FACTOR ARGUMENTS` is `canary ARGUMENTS` with that patience.
"""

from __future__ import annotations

import runpy
import sys
from typing import Any

from canary.local.speed import rate_factor

__all__ = ["lengthen_timeouts", "patience"]

_TIMEOUTS = ("connect_timeout", "read_timeout")


def patience(factor: float) -> float:
    """By how much a real time-out is longer under a clock of `factor`, at least 1."""
    return 1.0 / rate_factor(factor)


def lengthen_timeouts(factor: float) -> None:
    """Make every SDK client of this process as patient as a clock of `factor` asks; once."""
    longer = patience(factor)
    if longer == 1.0:
        return
    from botocore.config import Config

    original = Config.__init__

    def patient(self: Config, *arguments: Any, **options: Any) -> None:
        times = {name: options[name] * longer for name in _TIMEOUTS if options.get(name)}
        original(self, *arguments, **(options | times))

    Config.__init__ = patient


if __name__ == "__main__":
    lengthen_timeouts(float(sys.argv.pop(1)))
    runpy.run_module("canary.cli.main", run_name="__main__", alter_sys=True)
