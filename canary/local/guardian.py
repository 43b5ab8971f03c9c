"""A last keeper of a region's children: when the region's process dies, it kills what is left.

Run as a script with the run directory as its argument. Each line on standard input is `+pid` or
`-pid` of a process group; the end of the input means that the region is gone, however it went.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys


def main() -> None:
    """Keep the list until the input ends, then clean up."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        (groups.add if line[0] == "+" else groups.discard)(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
