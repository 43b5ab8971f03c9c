"""The detector on what the embedded region's model says, of which the truth is known."""

from __future__ import annotations

from collections import Counter

import pytest

from canary.local.talk import INVENTED_TITLES, Language, answer, catalogue, message, spoken_in
from tests.canary.quality.made import inspect

INTENTS = ("recommendation", "product_question", "faq", "return_request")
REGIONS = ("us-east-1", "ap-northeast-1")
SENTENCE: dict[Language, str] = {
    "english": 'We have "{}" in stock.',
    "japanese": "『{}』は在庫がございます。",
}


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("hallucinated", [False, True])
def test_answers_of_the_embedded_model_are_judged_as_they_were_made(
    region: str, hallucinated: bool
) -> None:
    """Of 150 answers none that names known titles has a fault, and each invention is found."""
    language, counted = spoken_in(region), Counter[str]()
    for number in range(150):
        name = f"conversation-{number}"
        question = message(INTENTS[number % len(INTENTS)], 1, name, 1, language)
        said = answer(1, name, 1, hallucinated=hallucinated, question=question, language=language)
        findings = inspect(region, question, said)
        assert findings.hallucinated is hallucinated, (said, findings.reasons)
        assert bool(findings.faults()) is hallucinated, (said, findings.reasons)
        counted.update(findings.counts())
    if language == "japanese":
        assert counted["japanese_names"] > 100
        assert counted["honorifics"] >= 150


@pytest.mark.parametrize("region", REGIONS)
def test_every_title_of_the_embedded_store_is_in_the_catalogue(region: str) -> None:
    """No good answer of the embedded model can name a title that the detector does not know."""
    language = spoken_in(region)
    for title in catalogue(language):
        assert not inspect(region, "Hi", SENTENCE[language].format(title)).hallucinated, title
    for title in INVENTED_TITLES[language]:
        assert inspect(region, "Hi", SENTENCE[language].format(title)).hallucinated, title
