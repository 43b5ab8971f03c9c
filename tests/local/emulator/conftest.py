"""Fixtures of the emulator's tests: a region with nothing in it, and moto as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from canary.local.emulator import Emulator
from canary.local.parts import Parts
from tests.local.emulator.bench import REGION, fast_clock

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def parts() -> Iterator[Parts]:
    """The emulated services of one region, started but without tasks or schedules running."""
    with Parts(REGION, fast_clock(), CHECKOUT) as made:
        yield made


@pytest.fixture(scope="module")
def emulator(parts: Parts) -> Emulator:
    """The region's endpoint."""
    return parts.emulator


@pytest.fixture(scope="module")
def plain() -> Iterator[Emulator]:
    """Moto's server without one patch of ours."""
    made = Emulator(REGION)
    made.start()
    yield made
    made.stop()
