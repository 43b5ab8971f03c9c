"""The detector on what the embedded region's model says, of which the truth is known."""

from __future__ import annotations

import pytest

from canary.local.talk import INVENTED_TITLES, answer, catalogue, message
from tests.canary.quality.made import inspect

INTENTS = ("recommendation", "product_question", "faq", "return_request")


@pytest.mark.parametrize("hallucinated", [False, True])
def test_answers_of_the_embedded_model_are_judged_as_they_were_made(hallucinated: bool) -> None:
    """Of 300 answers none that names known titles is flagged, and each invented title is found."""
    for number in range(300):
        name = f"conversation-{number}"
        question = message(INTENTS[number % len(INTENTS)], 1, name, 1)
        findings = inspect("us-east-1", question, answer(1, name, 1, hallucinated=hallucinated))
        assert findings.hallucinated is hallucinated, findings.reasons


def test_every_title_of_the_embedded_store_is_in_the_catalogue() -> None:
    """No good answer of the embedded model can name a title that the detector does not know."""
    for title in catalogue():
        assert not inspect("us-east-1", "Hi", f'We have "{title}" in stock.').hallucinated
    for title in INVENTED_TITLES:
        assert inspect("us-east-1", "Hi", f'We have "{title}" in stock.').hallucinated
