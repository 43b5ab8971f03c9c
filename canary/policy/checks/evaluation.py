"""What must hold of the offline gate's times."""

from __future__ import annotations

from collections.abc import Iterator

from canary.policy.duration import duration_text
from canary.policy.model import EvaluationRule
from canary.policy.problem import Problem

__all__ = ["check_evaluation"]

MOST_POLLS = 40
"""A poll costs the history of the progression up to 15 events of the 25,000 of a whole release."""


def check_evaluation(evaluation: EvaluationRule) -> Iterator[Problem]:
    """A job is looked at before it is given up, and not so often that nothing is left for looks."""
    longest, poll = evaluation.longest, evaluation.poll
    if not poll <= longest <= MOST_POLLS * poll:
        expected = (
            f"{duration_text(poll)} (evaluation.poll) to {duration_text(MOST_POLLS * poll)}, "
            f"{MOST_POLLS} polls"
        )
        yield Problem("evaluation.longest", duration_text(longest), expected)
