"""What a policy may state wrongly of its bandits is refused where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.canary.policy.edits import Values, drop, problems, put

PLACES: list[tuple[Callable[[Values], None], str, Any, str]] = [
    (put("bandits", "exploration", value=0.05), "bandits.exploration", 0.05, "0.1"),
    (put("bandits", "exploration", value=0.10005), "bandits.exploration", 0.10005, "as 0.1"),
    (put("bandits", "quality_floor", value=80), "bandits.quality_floor", 80, "less than 1"),
    (put("bandits", "shift_errors", value=2.0), "bandits.shift_errors", 2.0, "equal to 3"),
    (put("bandits", "review_after", value="2h"), "bandits.review_after", "2h", "converge"),
    (drop("bandits", "reward_window"), "bandits.reward_window", None, "required: how long"),
    (
        put("bandits", "intents", 0, "intent", value="checkout_help"),
        "bandits.intents[0].intent",
        "checkout_help",
        "not revenue-critical: one of chitchat, escalation, faq",
    ),
    (
        put("bandits", "intents", 1, "intent", value="faq"),
        "bandits.intents[1].intent",
        "faq",
        "different from bandits.intents[0].intent",
    ),
    (
        put("bandits", "intents", 0, "arms", 1, "name", value="as-is"),
        "bandits.intents[0].arms[1].name",
        "as-is",
        "different from bandits.intents[0].arms[0].name",
    ),
    (
        put("bandits", "intents", 0, "arms", 1, "prompt", value=" "),
        "bandits.intents[0].arms[1].prompt",
        "",
        "different from bandits.intents[0].arms[0].prompt",
    ),
    (
        put("bandits", "intents", 1, "arms", value=[{"name": "a", "prompt": ""}]),
        "bandits.intents[1].arms",
        [{"name": "a", "prompt": ""}],
        "two to 4 arms",
    ),
    (
        put("bandits", "intents", 1, "arms", 0, "prompt", value="x" * 501),
        "bandits.intents[1].arms[0].prompt",
        "x" * 501,
        "at most 500 characters",
    ),
]


@pytest.mark.parametrize(
    ("edit", "path", "value", "right"), PLACES, ids=[f"{row[1]}={row[2]}" for row in PLACES]
)
def test_a_wrong_value_of_the_bandits_is_refused_where_it_stands(
    values: Values, edit: Callable[[Values], None], path: str, value: Any, right: str
) -> None:
    """Breaking one thing reports it by path and value, with what would be right."""
    edit(values)
    found = [problem for problem in problems(values) if problem.path == path]
    assert [problem.value for problem in found if right in problem.expected] == [value]
