"""Metric math as the user guide documents it; everything else refused by name."""

from __future__ import annotations

import math

import pytest

from canary.local.alarm_math import Array, MathError, Series, Value, compile_expression
from canary.policy.compiled import Trigger
from stacks.constructs import bounds

M = {
    "m1": [1.0, 1.0, 0.0, 0.0, None],
    "m2": [30.0, None, 0.0, 0.0, 30.0],
    "m3": [0.0, 0.0, 20.0, None, 20.0],
}


def run(expression: str, **series: Series) -> Value:
    values: dict[str, Value] = {name: list(points) for name, points in series.items()}
    return compile_expression(expression)(values, list(series))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2 + 3 * a", [5.0]),
        ("(2 + 3) * a", [5.0]),
        ("2 * 3 + a", [7.0]),
        ("a - 2 - 3", [-4.0]),
        ("8 / 4 / 2 * a", [1.0]),
        ("2 ^ 3 ^ 2 * a", [512.0]),
        ("-2 ^ 2 * a", [-4.0]),
        ("16 ^ 0.5 * a", [4.0]),
        ("- - a", [1.0]),
        ("a + 1 > 1 && 0 > a || a == 1", [1.0]),
        ("a == 1 OR a == 2 AND a == 3", [1.0]),
        ("a != 1", [0.0]),
        ("a <= .5", [0.0]),
    ],
)
def test_operators_when_mixed_then_bind_in_the_usual_order(
    expression: str, expected: Series
) -> None:
    """Powers, then minus, products, sums, comparisons, AND, OR."""
    assert run(expression, a=[1.0]) == expected


def test_arithmetic_when_one_point_is_missing_then_reads_it_as_zero() -> None:
    """Between two series a missing point is 0; where both are missing there is no point."""
    assert run("a + b", a=[1.0, None, None], b=[None, 2.0, None]) == [1.0, 2.0, None]
    assert run("a + 1", a=[1.0, None]) == [2.0, None]


def test_division_when_by_zero_then_drops_the_point() -> None:
    """A point divided by zero, or by a missing point, is dropped."""
    assert run("e / n", e=[1.0, 1.0, 0.0, 1.0], n=[2.0, 0.0, 0.0, None]) == [0.5, None, None, None]


def test_power_when_undefined_then_drops_the_point() -> None:
    """The root of a negative number, and 0 to a negative power, are dropped."""
    assert run("a ^ 0.5", a=[4.0, -4.0]) == [2.0, None]
    assert run("a ^ (-1)", a=[0.0, 2.0]) == [None, 0.5]


def test_comparison_when_a_point_is_missing_then_reads_it_as_zero() -> None:
    """The user guide's own example of comparisons and AND."""
    first, second = [30.0, 20.0, 0.0, 0.0], [20.0, None, 20.0, None]
    assert run("(a < b)", a=first, b=second) == [0.0, 0.0, 1.0, 0.0]
    assert run("(a >= 30)", a=first) == [1.0, 0.0, 0.0, 0.0]
    assert run("(a > 15 AND b > 15)", a=first, b=second) == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(m1, m2, m3)", [30.0, 0.0, 20.0, None, None]),
        ("IF(m1, 5, m3)", [5.0, 5.0, 20.0, None, None]),
        ("IF(m1, m2, 5)", [30.0, 0.0, 5.0, 5.0, None]),
        ("IF(m1, m2)", [30.0, 0.0, None, None, None]),
        ("IF(1, m2, m3)", M["m2"]),
        ("IF(0, m2, m3)", M["m3"]),
        ("IF(0, m2)", [None] * 5),
    ],
)
def test_if_when_points_are_missing_then_follows_the_guide(
    expression: str, expected: Series
) -> None:
    """The tables of "Using IF expressions"."""
    assert run(expression, **M) == expected


def test_fill_when_a_point_is_missing_then_takes_number_series_or_last_value() -> None:
    """FILL with a number, a series, REPEAT, over one series or an array."""
    gaps: Series = [None, 1.0, None]
    assert run("FILL(a, 7)", a=gaps) == [7.0, 1.0, 7.0]
    assert run("FILL(a, b)", a=gaps, b=[5.0, 5.0, None]) == [5.0, 1.0, None]
    assert run("FILL(a, REPEAT)", a=gaps) == [None, 1.0, 1.0]
    assert run("FILL(METRICS(), 0)", a=gaps) == Array(([0.0, 1.0, 0.0],))


def test_aggregates_when_given_an_array_then_make_a_series() -> None:
    """Of an array a series, of a series a scalar; missing is 0 for AVG and SUM."""
    a: Series = [1.0, None, None]
    b: Series = [3.0, 4.0, None]
    assert run("SUM([a, b])", a=a, b=b) == [4.0, 4.0, None]
    assert run("AVG([a, b])", a=a, b=b) == [2.0, 2.0, None]
    assert run("MIN([a, b])", a=a, b=b) == [1.0, 4.0, None]
    assert run("MAX([a, b])", a=a, b=b) == [3.0, 4.0, None]
    assert run("b - AVG(b)", b=b) == [-0.5, 0.5, None]
    assert run("b / MAX(b)", b=b) == [0.75, 1.0, None]
    assert run("ABS(-b)", b=b) == b
    assert run("SUM(100 / [a, b])", a=[1.0], b=[4.0]) == [125.0]


def test_metrics_when_given_a_part_then_picks_ids_that_contain_it() -> None:
    """METRICS("x") takes the metrics whose id contains it."""
    assert run('SUM(METRICS("err"))', err_a=[1.0], err_b=[2.0], other=[10.0]) == [3.0]
    assert run("SUM(METRICS())", err_a=[1.0], other=[10.0]) == [11.0]


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("ANOMALY_DETECTION_BAND(a)", "ANOMALY_DETECTION_BAND"),
        ("SEARCH('x', 'Sum')", "SEARCH"),
        ("SELECT SUM(a)", "SELECT"),
        ("NOT a", "NOT"),
        ("a +", "unexpected end"),
        ("a b", "unexpected 'b'"),
        ("1e5 * a", "unexpected 'e5'"),
        ("(a", "unexpected end"),
        ("a % 2", "%"),
        ("FILL(a, LINEAR)", "LINEAR"),
        ("MAX(a, b)", "MAX takes"),
        ("IF(a)", "IF takes"),
    ],
)
def test_compile_when_not_supported_then_names_it(expression: str, named: str) -> None:
    """What we do not do is an error that says what it was."""
    with pytest.raises(MathError, match=named.replace("(", r"\(")):
        compile_expression(expression)


@pytest.mark.parametrize("expression", ["MAX([1, a])", "IF([a], 1, 2)", "[a] + [a]", "SUM(2) * a"])
def test_run_when_kinds_do_not_fit_then_is_an_error(expression: str) -> None:
    """Scalars, series and arrays go only where the guide lets them."""
    with pytest.raises(MathError):
        run(expression, a=[1.0])


def test_run_when_an_id_is_unknown_then_says_so() -> None:
    """A forgotten id is an error, not an empty series."""
    with pytest.raises(MathError, match="'nobody'"):
        run("nobody * 2")


def test_compile_when_repeated_then_parses_once() -> None:
    """The same text gives the same program."""
    assert compile_expression("a + 1") is compile_expression("a + 1")


Z = 3.09


@pytest.mark.parametrize("errors", [0, 1, 5, 7])
@pytest.mark.parametrize("requests", list(range(11)))
def test_wilson_bound_when_few_requests_then_agrees_with_the_formula(
    errors: int, requests: int
) -> None:
    """The guardrails' own expression for n of 0 to 10, more errors than requests included."""
    hits = min(errors, requests)
    expected = 0.0
    if requests:
        rate = hits / requests
        spread = Z * math.sqrt((rate * (1 - rate) + Z * Z / (4 * requests)) / requests)
        expected = (rate + Z * Z / (2 * requests) - spread) / (1 + Z * Z / requests)
    result = run(bounds.lower_bound("e", "n", Z), e=[float(errors)], n=[float(requests)])
    assert result == [pytest.approx(expected, abs=1e-5)]


@pytest.mark.parametrize("requests", list(range(1, 11)))
def test_breach_when_one_error_in_few_requests_then_is_zero(requests: int) -> None:
    """One error never reaches a guardrail; five of five do, unless control is as bad."""
    trigger = Trigger("errors", "error", "rate", "level", 0.02, (60,), "rollback")
    expression = bounds.breach(trigger)
    count = float(requests)
    nobody: dict[str, Series] = {key: [None] for key in ("ec", "nc", "em", "nm")}
    as_bad: dict[str, Series] = {key: [5.0] for key in nobody}
    assert run(expression, e=[1.0], n=[count], **nobody) == [0.0]
    (alone,) = run(expression, e=[5.0], n=[5.0], **nobody)  # type: ignore[misc]
    assert alone > 0.02
    assert run(expression, e=[5.0], n=[5.0], **as_bad) == [0.0]
    assert run(expression, e=[None], n=[None], **nobody | {"nc": [5.0]}) == [0.0]
