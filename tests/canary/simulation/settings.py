"""The product's own policy in worlds for the simulator's tests."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.simulation.setting import Setting
from canary.simulation.world import World, load_world

POLICY = Path(__file__).parents[3] / "policy" / "mangaassist.toml"


@functools.cache
def own_policy(region: str = "us-east-1") -> CompiledPolicy:
    """The policy that comes with the product."""
    return compile_policy(load_policy(POLICY), region)


@functools.cache
def named(name: str, seed: int = 3) -> Setting:
    """A world that comes with the product."""
    return Setting(own_policy(), load_world(name, own_policy()), seed)


def made(seed: int = 3, **values: Any) -> Setting:
    """A world of the test's own."""
    world = World.model_validate({"description": "a test's own", **values})
    return Setting(own_policy(), world, seed)
