"""What holds for every test."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background jobs ignore Ctrl-C, and pass that on to what they start. Some tests send
    # it to processes of theirs; a handler is reset to the default in a new process.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that is busy is slow, not wrong, and a tree that passed passes again: no property is
# judged by the clock or by new examples. `HYPOTHESIS_PROFILE=explore make test` looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
