"""The page of a report: the document's values and no others, complete in itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from canary.report.document import report_document
from canary.report.figures import text_of
from canary.report.markup import resolve
from canary.report.page import report_page
from tests.canary.report.reading import read
from tests.canary.report.scenes import DAY, evidence, story

STORIES: dict[str, dict[str, Any]] = {
    "good": {},
    "worse": {"canary": 0.74},
    "half-way": {"until": 4.5 * DAY},
    "mixed": {"changed": {"return_request": {"completion": 0.70}}},
    "no look": {"until": 0.0},
}


def document(name: str, **more: Any) -> dict[str, Any]:
    state, records = story(**STORIES[name])
    return report_document(state, records, at=14 * DAY, **{"evidence": evidence(), **more})


@pytest.fixture(scope="module", params=STORIES)
def pair(request: pytest.FixtureRequest) -> tuple[dict[str, Any], str]:
    """A document as it comes back from JSON, and its page."""
    made = json.loads(json.dumps(document(request.param)))
    return made, report_page(made)


def test_every_figure_on_the_page_is_the_document_s(pair: tuple[dict[str, Any], str]) -> None:
    """Value by value: what is written is the one formatter's text of what JSON holds there."""
    made, page = pair
    figures = read(page).figures
    assert len(figures) > 50
    for figure in figures:
        value = resolve(made, figure.path)
        assert figure.text == text_of(value, figure.kind), figure.path
        if figure.value is not None:
            assert json.loads(figure.value) == value, figure.path
        else:
            assert not isinstance(value, int | float) or isinstance(value, bool), figure.path


def test_no_number_stands_outside_a_figure(pair: tuple[dict[str, Any], str]) -> None:
    """A number that is typed into the page would not change with the release."""
    _, page = pair
    named = re.compile(r"p(50|90|95|99)")
    found = [text for text in read(page).loose if re.search(r"\d", named.sub("", text))]
    title = [text for text in found if text.startswith("r1: ")]
    assert found == title


def test_page_is_whole_and_asks_for_nothing(pair: tuple[dict[str, Any], str]) -> None:
    """Every element is closed, every id is one, and nothing is loaded or run."""
    _, page = pair
    found = read(page)
    assert found.unbalanced == []
    assert found.left_open == []
    assert len(found.ids) == len(set(found.ids))
    assert not {"script", "iframe", "img", "object", "embed", "form"} & set(found.tags)
    for tag, name, value in found.attributes:
        assert not name.startswith("on"), (tag, name)
        if name in ("src", "href", "xlink:href", "action"):
            assert value.startswith(("#", "data:,")), (tag, name, value)
    for css in re.findall(r"url\(([^)]*)\)|@import", page):
        assert css.startswith("#")


def test_links_lead_somewhere(pair: tuple[dict[str, Any], str]) -> None:
    """Each part of the page that is linked is there, in drawings too."""
    _, page = pair
    found = read(page)
    targets = {
        value[1:]
        for _, name, value in found.attributes
        if name in ("href", "xlink:href") and value.startswith("#")
    }
    assert targets
    assert targets <= set(found.ids)


def test_plots_are_named_and_have_a_table(pair: tuple[dict[str, Any], str]) -> None:
    """A drawing says in words what it shows; whoever cannot see it reads the table."""
    made, page = pair
    found = read(page)
    drawings = found.tags.count("svg")
    labels = [
        value for tag, name, value in found.attributes if (tag, name) == ("svg", "aria-label")
    ]
    assert len(labels) == drawings
    assert all(len(label) > 20 for label in labels)
    assert drawings == 0 or found.tags.count("table") >= drawings
    if made["primary"]["course"]:
        assert drawings >= 4


def test_tables_have_heads_and_captions(pair: tuple[dict[str, Any], str]) -> None:
    """A reader who hears a table knows what it is and what each cell belongs to."""
    found = read(pair[1])
    assert found.tags.count("caption") == found.tags.count("table")
    heads = [value for tag, name, value in found.attributes if (tag, name) == ("th", "scope")]
    assert set(heads) <= {"col", "row"}
    assert len(heads) == found.tags.count("th")


def test_same_release_same_bytes() -> None:
    """A report that is made again is the same object, so a new version means a new figure."""
    assert report_page(document("good")) == report_page(document("good"))


def test_text_of_others_is_text() -> None:
    """A model's answer, a reason or an intent cannot become part of the page."""
    state, records = story(until=4.5 * DAY)
    evil = "<script>x</script>\"'&"
    from dataclasses import replace

    state = replace(state, candidate=evil)
    known = evidence()
    turn = replace(known.samples[0].turns[0], text=evil)
    sample = replace(known.samples[0], turns=(turn,), stratum=evil)
    made = report_document(
        state, records, at=0.0, evidence=replace(known, samples=(sample,)), ledger={"x": evil}
    )
    page = report_page(made)
    assert "<script" not in page
    assert read(page).unbalanced == []


def test_dark_light_and_print_are_styled() -> None:
    """The page follows the reader's colours, and prints on white with everything open."""
    page = report_page(document("good"))
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert "details::details-content" in page


def test_report_without_events_says_so() -> None:
    """What needs the events is named as not read, and nothing else is missing."""
    page = report_page(document("good", evidence=None))
    assert page.count("The events were not read for this report.") == 3
    assert "completion is 2.00 points better than the old model (1.78 to 2.22)" in page
