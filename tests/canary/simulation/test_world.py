"""Worlds are read whole or refused with everything that is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from canary.policy.problem import PolicyError
from canary.simulation.targets import targets_of
from canary.simulation.world import UnknownWorldError, known_worlds, load_world
from tests.canary.simulation.settings import own_policy


@pytest.mark.parametrize("name", known_worlds())
def test_every_world_that_comes_with_the_product_is_sound_and_says_what_it_is(name: str) -> None:
    """Its sentence is one line."""
    world = load_world(name, own_policy())
    assert world.description
    assert "\n" not in world.description


def test_every_world_with_a_target_comes_with_the_product() -> None:
    """And those that the decision rules name are there."""
    named = {"null", "same", "better", "worse", "shared_incident", "bursty", "trough_start"}
    assert named <= {name for name in known_worlds() if targets_of(name)}


def test_an_unknown_world_is_refused_with_the_list() -> None:
    """A name and a file alike."""
    for name in ("nul", "no/such.toml"):
        with pytest.raises(UnknownWorldError, match="there are angry_silent"):
            load_world(name, own_policy())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('description = "x"\nvolum = 2.0', "volum: 2.0; no such key; perhaps volume"),
        ('description = "x"\nhours = [1.0, 2.0]', "hours: 2; 24 values"),
        ('description = "x"\ncustomers = [0.5, 0.2, 0.2]', "customers: 0.89.*; shares that sum"),
        ('description = "x"\n[intents.chat]\ncompletion = 0.1', "intents.chat: 'chat'; one of"),
        (
            'description = "x"\n[[faults]]\nerror = 0.1',
            r"faults\[0\].after: nothing here; required",
        ),
        ("description = ", "file"),
        ("volume = 1.0", "description: nothing here; required: one sentence"),
    ],
)
def test_a_broken_world_says_where_and_what_would_be_right(
    tmp_path: Path, text: str, said: str
) -> None:
    """With the file's name in front."""
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=said) as refused:
        load_world(str(file), own_policy())
    assert str(refused.value).startswith(str(file))


def test_the_candidates_first_own_fault_is_the_onset(tmp_path: Path) -> None:
    """What both arms suffer is no fault of the candidate's."""
    file = tmp_path / "mine.toml"
    file.write_text(
        'description = "x"\n'
        '[[faults]]\narms = "both"\nafter = "1h"\nerror = 0.1\n'
        '[[faults]]\nafter = "3h"\nerror = 0.1\n'
        '[[faults]]\nafter = "2h"\nerror = 0.1\n'
    )
    assert load_world(str(file), own_policy()).onset == 7200
