"""The estimate of costs: of these templates, with arithmetic that adds up, and nothing left out."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from scripts import estimate_costs
from tests.stacks.assembly import ROOT, Assembly

PAGE = ROOT / "docs" / "how-to" / "deploy.md"


def rows() -> list[tuple[str, str, float]]:
    """What, arithmetic and amount of each line of the page's estimate."""
    section = PAGE.read_text().partition(estimate_costs.BEGIN)[2].partition(estimate_costs.END)[0]
    found = re.findall(r"^\| (.+?) \| (.*?) ?\| \**([\d,.]+)\** \|$", section, flags=re.MULTILINE)
    return [(what, how, float(amount.replace(",", ""))) for what, how, amount in found]


def computed(how: str) -> float:
    """What a line's printed arithmetic comes to, without the words between its numbers."""
    plain = re.sub(r"[a-zA-Z]+", "", how.replace(",", ""))
    plain = plain.replace(estimate_costs.TIMES, "*").replace(estimate_costs.OVER, "/")
    return estimate_costs.amount(plain, {})


def test_the_estimate_is_of_these_templates(assembly: Assembly) -> None:
    """`make costs` would change nothing: a resource more or less shows in the page."""
    section = estimate_costs.estimate(assembly.path)
    page = PAGE.read_text()
    assert estimate_costs.with_section(page, section) == page, "run make costs"


@pytest.mark.parametrize("region", ["us-east-1", "ap-northeast-1"])
def test_every_type_of_resource_has_its_line(assembly: Assembly, region: str) -> None:
    """A price, or a place among those without a charge: none is forgotten, in any region."""
    costs = tomllib.loads(estimate_costs.COSTS.read_text())
    found = estimate_costs.resources(assembly.path, region)
    assert estimate_costs.types(found) <= estimate_costs.known(costs)


def test_the_printed_arithmetic_gives_the_printed_amounts() -> None:
    """A reader with a pencil comes to the same, line by line and in the sums."""
    total, sums = 0.0, 0
    for what, how, amount in rows():
        if what == "**sum**":
            assert amount == pytest.approx(total, abs=0.001)
            total, sums = 0.0, sums + 1
            continue
        # A quantity is printed with six digits.
        assert computed(how) == pytest.approx(amount, abs=0.006, rel=1e-5), what
        total += amount
    assert sums == 3


def test_a_price_says_of_which_day_it_is() -> None:
    """Prices change: an estimate without a date cannot be judged."""
    as_of = tomllib.loads(estimate_costs.COSTS.read_text())["as_of"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", as_of)
    assert f"as assumed on {as_of}" in PAGE.read_text()


def test_a_resource_that_nobody_priced_is_an_error(
    assembly: Assembly, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimate is refused, with the type's name, instead of being too small."""
    more: list[Any] = [{"Type": "AWS::RDS::DBInstance"}]
    found = estimate_costs.resources(assembly.path, "us-east-1") + more
    monkeypatch.setattr(estimate_costs, "resources", lambda _path, _region: found)
    with pytest.raises(ValueError, match="no line for AWS::RDS::DBInstance"):
        estimate_costs.estimate(assembly.path)
