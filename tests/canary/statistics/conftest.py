"""Property tests here do not watch the clock: a busy machine is no counterexample."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None, max_examples=60)
settings.load_profile("no-deadline")
