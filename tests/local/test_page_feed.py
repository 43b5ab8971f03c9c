"""Where the status page gets its documents from, and what it shows when they do not come."""

from __future__ import annotations

import re
from typing import Any

from tests.local.test_page import a_run, run_node

FEED = """
import { Feed } from "PAGE/feed.js";
const [script] = input;
const states = [];
let answers;
const feed = new Feed(async (name) => {
  const body = answers[name];
  if (body === "down") throw new TypeError("refused");
  return { status: body ? 200 : 404, ok: Boolean(body), json: async () => body };
});
for (const [index, each] of script.entries()) {
  answers = each;
  const wait = await feed.poll(`12:00:0${index}`);
  states.push([feed.state, feed.view?.title ?? null, feed.since, wait]);
}
console.log(JSON.stringify(states));
"""


def test_lost_connection_keeps_the_last_view_and_the_time() -> None:
    """Empty, live, lost since the first failure, live again."""
    run, down = a_run().to_dict(), {"run.json": "down"}
    states = run_node(FEED, [{}, {"run.json": run}, down, down, {"run.json": run}])
    assert states == [
        ["empty", None, None, 1000],
        ["live", "good", None, 1000],
        ["lost", "good", "12:00:02", 1000],
        ["lost", "good", "12:00:02", 1000],
        ["live", "good", None, 1000],
    ]


def a_dashboard(**changes: Any) -> dict[str, Any]:
    """What the analysis function publishes of a release in its third day."""
    begun = 1_790_000_000.0
    return {
        "updated_at": begun + 180_000,
        "region": "us-east-1",
        "release_id": "r-7",
        "candidate": "sonnet-v2",
        "control": "sonnet-v1",
        "admitted_at": begun,
        "phase": "HELD",
        "hold": "gate: survey response differs",
        "outcome": None,
        "stage_percent": 30,
        "stages": [0, 5, 30, 100],
        "asked_share": 0.3,
        "observed_share": 0.301,
        "arms": {
            "control": {"requests": 90, "errors": 1, "error_rate": 0.01, "slow_rate": 0.0},
            "canary": {"requests": 40, "errors": 0, "error_rate": 0.0, "slow_rate": None},
        },
        "series": [
            {"at": begun + hour * 3600, "control_error": 0.01, "canary_error": 0.02, "asked": 0.3}
            for hour in range(50)
        ],
        "alarms": [{"name": "canary-critical", "state": "OK", "since": begun, "reason": ""}],
        "decisions": [{"at": begun + 7200, "kind": "HOLD", "reason": "response rates differ"}],
        "timeline": [{"at": begun + 60, "text": "admitted"}],
        **changes,
    }


def test_dashboard_alone_is_shown_in_hours_and_asked_for_less_often() -> None:
    """Without run.json the page shows dashboard.json, its times counted from admission."""
    ((state, title, _, wait),) = run_node(FEED, [{"dashboard.json": a_dashboard()}])
    assert (state, title, wait) == ("live", "r-7", 5000)
    script = """
    import { fromDashboard } from "PAGE/model.js";
    import * as render from "PAGE/render.js";
    const view = fromDashboard(input[0]);
    console.log(JSON.stringify([
      render.head(view), render.phase(view), render.figures(view),
      render.charts(view, { width: 400 }), render.decisions(view),
    ]));
    """
    head, phase, figures, charts, decisions = run_node(script, a_dashboard())
    assert "sonnet-v2 against sonnet-v1 in us-east-1" in head
    assert "survey response differs" in phase
    assert re.findall(r"<li[^>]*>(\d+)%", phase) == ["0", "5", "30", "100"]
    assert "30.1%" in figures
    assert "Errors customers saw" not in figures
    assert "hours since the start" in charts
    assert "120 min" in decisions


def test_dashboard_without_a_release_is_empty() -> None:
    """A region where nothing was released yet says so."""
    ((state, *_),) = run_node(FEED, [{"dashboard.json": {"region": "us-east-1", "alarms": []}}])
    assert state == "empty"


def test_finished_run_that_goes_away_is_not_lost() -> None:
    """The embedded region stops after its run; the page keeps what the run came to."""
    over = a_run(outcome="PROMOTED", finished=True).to_dict()
    states = run_node(FEED, [{"run.json": over}, {"run.json": "down"}])
    assert states[-1][0] == "live"
