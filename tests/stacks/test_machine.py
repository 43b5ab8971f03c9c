"""The progression: what it calls, and that no trouble goes uncaught."""

from __future__ import annotations

import json
from typing import Any

import pytest

from canary.policy.compiled import CompiledPolicy
from tests.stacks.assembly import Assembly, Machine, text

ENDS = ("Roll back: ", "Reject: ")
OTHERWISE = ("Admit", "Approval: report")
"""Nothing is released yet, or nothing depends on it."""
HOLDS = ("hold after a fault", "Approval: hold", "Promote: page")


def tasks(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: state for name, state in machine["States"].items() if state["Type"] == "Task"}


def caught(state: dict[str, Any]) -> dict[str, str]:
    return {error: each["Next"] for each in state["Catch"] for error in each["ErrorEquals"]}


def payload(state: dict[str, Any]) -> dict[str, Any]:
    return state["Parameters"]["Payload"]


def calls(state: dict[str, Any], function: str) -> bool:
    return function in state["Parameters"]["FunctionName"]


def test_every_step_has_the_three_catchers(machine: Machine) -> None:
    """Harm rolls back with a strike, a revoked release ends, failed machinery is held or paged."""
    steps = {
        name: state
        for name, state in tasks(machine).items()
        if name not in OTHERWISE and not name.startswith(ENDS) and not name.endswith(HOLDS)
    }
    assert len(steps) == 2 + 3 + 3 * 4 + 1 + 5 + 7
    for name, state in steps.items():
        errors = caught(state)
        assert errors["HarmDetected"] == "Roll back: harm", name
        assert machine["States"][errors["Revoked"]]["Type"] == "Succeed", name
        assert errors["States.ALL"].endswith(HOLDS), name
    harm = payload(machine["States"]["Roll back: harm"])
    assert (harm["cause"], harm["strike"]) == ("critical_alarm", True)


def test_every_other_task_state_catches_everything_too(machine: Machine) -> None:
    """Holding falls back to rolling back; what cannot roll back fails, and the rule sees that."""
    for name, state in tasks(machine).items():
        following = machine["States"][caught(state)["States.ALL"]]
        if name.startswith(ENDS) or name in {"Promote: page", "Admit"}:
            assert following["Type"] == "Fail", name
        elif name.endswith(HOLDS):
            assert payload(following)["cause"] == "machinery", name
            assert payload(following)["strike"] is False, name


def test_a_person_is_asked_whatever_becomes_of_the_report(machine: Machine) -> None:
    """A report that fails neither stops the question nor the release: the fault takes its place."""
    write, ask = machine["States"]["Approval: report"], machine["States"]["Approval: ask"]
    assert calls(write, "Report")
    (caught_,) = write["Catch"]
    assert caught_ == {
        "ErrorEquals": ["States.ALL"],
        "Next": "Approval: ask",
        "ResultPath": "$.report",
    }
    assert (write["Next"], write["ResultPath"]) == ("Approval: ask", "$.report")
    assert payload(ask)["report.$"] == "$.report"


def test_failed_machinery_holds_while_alarms_are_ok_and_rolls_back_without_a_strike(
    machine: Machine,
) -> None:
    """A fault of our own is no verdict on the model."""
    states = machine["States"]
    for label in ("OfflineGate", "Prepare", "Stage 5%", "Stage 25%", "Stage 50%", "Promote"):
        hold = states[f"{label}: hold after a fault"]
        assert payload(hold)["source"] == "progression"
        assert payload(hold)["cause"] == "machinery"
        assert hold["ResultSelector"]["wait_seconds.$"] == "$.Payload.wait_seconds"
        choice = states[hold["Next"]]
        (ok,) = choice["Choices"]
        assert (ok["Variable"], ok["BooleanEquals"]) == ("$.result.alarms_ok", True)
        assert states[ok["Next"]]["Type"] == "Wait"
        assert payload(states[choice["Default"]])["strike"] is False


def test_each_stage_scales_attests_shifts_and_decides_in_order(
    machine: Machine, policy: CompiledPolicy
) -> None:
    """No weight moves before every task of the set has attested the candidate."""
    for stage in policy.stages[1:-1]:
        label = f"Stage {stage.rate:.0%}"
        states = machine["States"]
        scale, attest, shift, decide = (
            states[f"{label}: {step}"] for step in ("scale", "attest", "set traffic", "decide")
        )
        assert payload(scale)["percent"] == stage.task_percent
        assert [state["Next"] for state in (scale, attest, shift, decide)] == [
            f"{label}: {step}" for step in ("attest", "set traffic", "decide", "decision")
        ]
        assert payload(shift)["stage"] == payload(decide)["stage"] == stage.index
        wait = states[f"{label}: wait"]
        assert (wait["SecondsPath"], wait["Next"]) == ("$.result.wait_seconds", f"{label}: decide")


def follow(machine: dict[str, Any], choice: str, result: dict[str, Any]) -> str:
    """Where a choice of the machine leads with `result`."""
    state = machine["States"][choice]

    def holds(rule: dict[str, Any]) -> bool:
        if "Or" in rule:
            return any(holds(each) for each in rule["Or"])
        value = result[rule["Variable"].removeprefix("$.result.")]
        return value == rule.get("StringEquals", rule.get("BooleanEquals"))

    return next((rule["Next"] for rule in state["Choices"] if holds(rule)), state["Default"])


@pytest.mark.parametrize(
    ("stage", "decision", "shift_needed", "leads_to"),
    [
        ("5%", "ADVANCE", False, "Stage 25%: scale"),
        ("25%", "ADVANCE", False, "Stage 50%: scale"),
        ("50%", "PROMOTE", False, "Approval: report"),
        ("5%", "HOLD", False, "Stage 5%: wait"),
        ("50%", "EXTEND", False, "Stage 50%: wait"),
        ("25%", "EXTEND", True, "Stage 25%: scale"),
        ("25%", "ROLLBACK", True, "Roll back: decision"),
        ("50%", "REJECT", False, "Reject: test lost"),
    ],
)
def test_a_decision_leads_where_it_should(
    machine: Machine, stage: str, decision: str, shift_needed: bool, leads_to: str
) -> None:
    """Each decision of a look has one consequence; bad news goes before a shift."""
    result = {"decision": decision, "shift_needed": shift_needed}
    assert follow(machine, f"Stage {stage}: decision", result) == leads_to


def test_only_a_rejection_rejects(machine: Machine) -> None:
    """A rollback leaves the candidate another try; losing the test or the offline gate does not."""
    flags = {
        name: payload(state)["reject"]
        for name, state in tasks(machine).items()
        if name.startswith(ENDS)
    }
    assert flags == {name: name.startswith("Reject") for name in flags}
    assert len(flags) == 6


def test_an_end_that_a_look_decided_gives_the_looks_own_reason(machine: Machine) -> None:
    """The record says why: a raised alarm, the harm sequence, or a gate."""
    for name in ("Roll back: decision", "Reject: test lost"):
        asked = payload(machine["States"][name])
        assert (asked["cause.$"], asked["detail.$"]) == ("$.result.cause", "$.result.detail")
    for stage in ("5%", "25%", "50%"):
        kept = machine["States"][f"Stage {stage}: decide"]["ResultSelector"]
        assert (kept["cause.$"], kept["detail.$"]) == ("$.Payload.cause", "$.Payload.detail")


def test_a_score_brought_below_its_gate_ends_before_anything_is_measured(machine: Machine) -> None:
    """The first thing after admission is what the request brought; nothing brought passes alone."""
    brought = machine["States"][machine["States"]["Admit"]["Next"]]
    (failed,) = brought["Choices"]
    assert (failed["Variable"], failed["StringEquals"]) == ("$.plan.offline", "FAIL")
    assert failed["Next"] == "Reject: offline scores"
    assert brought["Default"] == "OfflineGate: start"


def test_the_offline_gate_starts_waits_and_reads_before_any_task_or_traffic_is_touched(
    machine: Machine,
) -> None:
    """One function does both; it is told the release, and how long to wait is its answer."""
    states = machine["States"]
    start, wait, read = (states[f"OfflineGate: {name}"] for name in ("start", "wait", "read"))
    assert [each["Next"] for each in (start, wait, read)] == [
        f"OfflineGate: {name}" for name in ("wait", "read", "verdict")
    ]
    assert (wait["Type"], wait["SecondsPath"]) == ("Wait", "$.result.wait_seconds")
    for step, state in (("start", start), ("read", read)):
        assert calls(state, "OfflineGate")
        assert payload(state) == {"release_id.$": "$.release_id", "step": step}
        assert state["ResultPath"] == "$.result"
        assert state["ResultSelector"]["wait_seconds.$"] == "$.Payload.wait_seconds"


@pytest.mark.parametrize(
    ("verdict", "leads_to"),
    [
        ("RUNNING", "OfflineGate: wait"),
        ("PASS", "Prepare: drain canary"),
        ("FAIL", "Reject: offline gate"),
        ("", "OfflineGate: no verdict"),
        ("pass", "OfflineGate: no verdict"),
    ],
)
def test_only_a_pass_of_the_offline_gate_goes_on(
    machine: Machine, verdict: str, leads_to: str
) -> None:
    """A verdict that nobody knows is a fault: the release is held, and nothing starts."""
    assert follow(machine, "OfflineGate: verdict", {"verdict": verdict}) == leads_to
    unknown = machine["States"]["OfflineGate: no verdict"]
    assert unknown["Next"] == "OfflineGate: hold after a fault"
    assert unknown["ResultPath"] == "$.error"


def test_a_rejection_by_the_offline_gate_gives_its_sentence_and_no_strike(
    machine: Machine,
) -> None:
    """Metric, intent, scores and limits stand in the record."""
    for name, place in (("gate", "$.result.detail"), ("scores", "$.plan.detail")):
        asked = payload(machine["States"][f"Reject: offline {name}"])
        assert (asked["cause"], asked["detail.$"]) == ("gate", place)
        assert (asked["strike"], asked["reject"]) == (False, True)


def test_an_evaluation_without_result_is_held_and_started_anew_after_a_person_s_word(
    machine: Machine,
) -> None:
    """While it is held the start answers `Held`, and nothing is judged."""
    states = machine["States"]
    for step in ("start", "read"):
        errors = caught(states[f"OfflineGate: {step}"])
        assert errors["States.ALL"] == "OfflineGate: hold after a fault"
        assert errors["Held"] == "OfflineGate: wait for a person"
    again = states["OfflineGate: wait for a person"]
    assert (again["SecondsPath"], again["Next"]) == (
        "$.plan.fault_wait_seconds",
        "OfflineGate: start",
    )


def test_preparation_drains_and_loads_before_the_first_stage(machine: Machine) -> None:
    """The model's parameter is written only while no task of the set runs."""
    order = ["Prepare: drain canary"]
    while not order[-1].startswith("Stage"):
        order.append(machine["States"][order[-1]]["Next"])
    assert order[1:] == ["Prepare: load candidate", "Prepare: session flag", "Stage 5%: scale"]
    assert payload(machine["States"]["Prepare: session flag"]) == {"active": True}


def test_set_that_is_not_ready_is_asked_again_every_15_s_for_10_minutes(machine: Machine) -> None:
    """Scaling and attestation take minutes; only then is it a fault."""
    for name, state in tasks(machine).items():
        if not (calls(state, "ScaleCycle") or calls(state, "Attest")):
            continue
        (patience,) = [each for each in state["Retry"] if each["ErrorEquals"] == ["NotReady"]]
        assert (patience["IntervalSeconds"], patience["MaxAttempts"]) == (15, 40), name
        assert patience["BackoffRate"] == 1, name


def test_harm_and_revocation_are_never_retried(machine: Machine) -> None:
    """An answer is not asked for twice."""
    for name, state in tasks(machine).items():
        if state["Resource"].endswith("waitForTaskToken"):
            continue
        first = state["Retry"][0]
        assert {"HarmDetected", "Revoked"} <= set(first["ErrorEquals"]), name
        assert first["MaxAttempts"] == 0, name


def test_approval_waits_for_a_person_as_long_as_the_release_s_own_policy_says(
    machine: Machine,
) -> None:
    """Denied or unanswered, the release is held at the last stage and looked at again."""
    ask = machine["States"]["Approval: ask"]
    assert ask["Resource"].endswith(":lambda:invoke.waitForTaskToken")
    assert payload(ask)["task_token.$"] == "$$.Task.Token"
    assert ask["TimeoutSecondsPath"] == "$.plan.approval_seconds"
    assert ask["Catch"][0]["ErrorEquals"] == ["ApprovalDenied", "States.Timeout"]
    refused, again = ask["Retry"][-2:]
    assert {"ApprovalDenied", "States.Timeout", "Revoked"} <= set(refused["ErrorEquals"])
    assert refused["MaxAttempts"] == 0
    assert (again["ErrorEquals"], again["MaxAttempts"]) == (["States.ALL"], 2)
    hold = machine["States"][ask["Catch"][0]["Next"]]
    assert payload(hold)["cause"] == "approval"
    assert hold["Next"] == "Stage 50%: wait"


def test_promotion_goes_in_the_order_that_keeps_a_safe_arm(machine: Machine) -> None:
    """Canary at full scale and attested, traffic, soak, point of no return, primary, traffic."""
    order = ["Approval: ask"]
    while machine["States"][order[-1]]["Type"] != "Succeed":
        order.append(machine["States"][order[-1]]["Next"])
    assert order[1:] == [
        "Promote: scale canary",
        "Promote: attest canary",
        "Promote: shift to canary",
        "Promote: soak",
        "Promote: check",
        "Promote: begin",
        "Promote: drain primary",
        "Promote: load primary",
        "Promote: scale primary",
        "Promote: attest primary",
        "Promote: shift to primary",
        "Promote: drain canary",
        "Promote: finish",
        "Promoted",
    ]
    assert machine["States"]["Promote: soak"]["SecondsPath"] == "$.plan.soak_seconds"


def test_after_the_point_of_no_return_a_fault_pages_and_does_not_roll_back(
    machine: Machine,
) -> None:
    """The old model is no longer there to go back to."""
    late = ("drain primary", "load primary", "scale primary", "attest primary")
    for name in (*late, "shift to primary", "drain canary", "finish"):
        state = machine["States"][f"Promote: {name}"]
        assert caught(state)["States.ALL"] == "Promote: page"
    following = machine["States"][machine["States"]["Promote: page"]["Next"]]
    assert following["Type"] == "Succeed"


def test_a_release_held_during_the_soak_soaks_again(machine: Machine) -> None:
    """A hold is never stepped over on the way to the point of no return."""
    for step in ("check", "begin"):
        errors = caught(machine["States"][f"Promote: {step}"])
        assert errors["NotReady"] == "Promote: soak"


def test_each_state_calls_a_retained_version_of_its_function(
    assembly: Assembly, machine: Machine
) -> None:
    """A release in flight goes on with the code it started with."""
    versions = assembly.resources("Progression", "AWS::Lambda::Version")
    assert all(each["DeletionPolicy"] == "Retain" for each in versions.values())
    for name, state in tasks(machine).items():
        assert state["Parameters"]["FunctionName"].strip("${}") in versions, name


def test_the_definition_is_versioned_logged_and_traced(assembly: Assembly) -> None:
    """Its version is kept when the next is published."""
    (version,) = assembly.resources(
        "Progression", "AWS::StepFunctions::StateMachineVersion"
    ).values()
    assert version["DeletionPolicy"] == "Retain"
    properties = assembly.one("Progression", "AWS::StepFunctions::StateMachine")
    assert properties["StateMachineName"] == "canary-release"
    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert properties["TracingConfiguration"] == {"Enabled": True}


def test_an_execution_that_fails_times_out_or_is_stopped_is_rolled_back(assembly: Assembly) -> None:
    """No Catch sees these: a rule calls the rollback function, and may."""
    rules = assembly.resources("Progression", "AWS::Events::Rule")
    (rule,) = [
        name
        for name, each in rules.items()
        if each["Properties"].get("EventPattern", {}).get("source") == ["aws.states"]
        and "SUCCEEDED" not in each["Properties"]["EventPattern"]["detail"]["status"]
    ]
    properties = rules[rule]["Properties"]
    detail = properties["EventPattern"]["detail"]
    assert sorted(detail["status"]) == ["ABORTED", "FAILED", "TIMED_OUT"]
    assert "Machine" in json.dumps(detail["stateMachineArn"])
    (target,) = properties["Targets"]
    assert "RollbackLive" in text(target["Arn"])
    permissions = assembly.resources("Progression", "AWS::Lambda::Permission").values()
    assert any(
        each["Properties"]["SourceArn"] == {"Fn::GetAtt": [rule, "Arn"]}
        and each["Properties"]["FunctionName"] == target["Arn"]
        for each in permissions
    )


@pytest.mark.parametrize(
    ("function", "rate"), [("Reconcile", "rate(1 minute)"), ("Analyse", "rate(5 minutes)")]
)
def test_what_ticks_ticks_at_its_rate(assembly: Assembly, function: str, rate: str) -> None:
    """The reconciler repairs within a minute; the analysis publishes every five."""
    rules = [
        each["Properties"]
        for each in assembly.resources("Progression", "AWS::Events::Rule").values()
    ]
    (rule,) = [each for each in rules if f"{function}Live" in text(each["Targets"][0]["Arn"])]
    assert rule["ScheduleExpression"] == rate
    assert rule["State"] == "ENABLED"


def test_sampled_turns_of_the_api_reach_the_detector(assembly: Assembly) -> None:
    """A subscription of the API's log group, just the lines that carry a text."""
    subscription = assembly.one("Progression", "AWS::Logs::SubscriptionFilter")
    assert subscription["FilterPattern"] == "{ $.sampled IS TRUE }"
    assert "DetectLive" in text(subscription["DestinationArn"])
    log_group = subscription["LogGroupName"]["Fn::ImportValue"]
    assert log_group.startswith("mangaassist-api:")
    assert "/mangaassist/api" in assembly.named("Api", "AWS::Logs::LogGroup", "LogGroupName")
