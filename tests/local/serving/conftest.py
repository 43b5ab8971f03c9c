"""One region for what happens to it while it serves: its start is most of these tests' time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from canary.local.region import EmbeddedRegion
from canary.policy.compile import compile_policy, load_policy
from tests.stacks.assembly import ROOT, Assembly, shared_assembly


@pytest.fixture(scope="package")
def assembly() -> Assembly:
    return shared_assembly()


@pytest.fixture(scope="package")
def region(assembly: Assembly) -> Iterator[EmbeddedRegion]:
    """Every stack of us-east-1, deployed and serving; no release is under way."""
    policy = compile_policy(load_policy(ROOT / "policy" / "mangaassist.toml"), "us-east-1")
    made = EmbeddedRegion(
        assembly.path,
        policy,
        ROOT / "scenarios" / "good.toml",
        candidate=policy.models[1].id,
        checkout=ROOT,
        on_transition=lambda *_transition: None,
    )
    try:
        made.start()
        made.deploy(lambda _stack: None)
        made.serve(lambda _said: None)
        yield made
    finally:
        made.stop()
