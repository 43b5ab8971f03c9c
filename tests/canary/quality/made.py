"""What the quality tests share, made once: the shipped catalogue and a detector by region."""

from __future__ import annotations

from functools import lru_cache

from canary.quality.catalogue.catalogue import Catalogue, load_catalogue
from canary.quality.detector import Detector, Findings
from canary.quality.facts import load_facts
from canary.quality.mentions import Mention, MentionFinder
from canary.quality.text import surface
from canary.quality.turn import Expected, Turn

EXPECTED = {"us-east-1": Expected.ENGLISH, "ap-northeast-1": Expected.QUESTION}


@lru_cache
def catalogue() -> Catalogue:
    """The titles that are shipped."""
    return load_catalogue()


@lru_cache
def detector(region: str) -> Detector:
    """A detector with a region's facts."""
    return Detector(catalogue(), load_facts(region))


@lru_cache
def finder() -> MentionFinder:
    """A finder without labels."""
    return MentionFinder(catalogue())


def mentions(answer: str, question: str = "") -> list[Mention]:
    """The mentions of an answer as a customer would see it."""
    return finder().find(surface(answer), surface(question))


def inspect(region: str, question: str, answer: str) -> Findings:
    """The findings of one turn in a region."""
    return detector(region).inspect(Turn(question, answer, EXPECTED[region]))
