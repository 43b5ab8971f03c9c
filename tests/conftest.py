"""What holds for every test."""

from __future__ import annotations

import signal

from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background jobs ignore Ctrl-C, and pass that on to what they start. Some tests send
    # it to processes of theirs; a handler is reset to the default in a new process.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that is busy is slow, not wrong: no test of ours fails by the clock.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
