"""The changes that a pace may make to a compiled policy, one method each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from canary.policy.checks.common import one_of
from canary.policy.checks.statistics import check_look_times
from canary.policy.compiled import CompiledPolicy, Gate, Scope, Trigger, Unit
from canary.policy.duration import duration_text, duration_words
from canary.policy.problem import Problem

__all__ = ["WAITS", "Pacing"]

WAITS = {
    "bake_poll": ("statistics", "bake_poll_seconds", "A bake decides at least every {}"),
    "shared_lift": ("statistics", "shared_lift_seconds", "A shared incident is over after {}"),
    "shared_rollback": (
        "statistics",
        "shared_rollback_seconds",
        "A shared incident takes traffic off after {}",
    ),
    "silence": ("statistics", "silence_seconds", "Silence is a warning after {}"),
    "soak": ("promotion", "soak_seconds", "The soak before promotion lasts {}"),
    "evaluation_poll": ("evaluation", "poll_seconds", "An evaluation job is looked at after {}"),
    "approval": ("promotion", "approval_seconds", "Approval may take {}"),
    "cooldown": ("anti_flapping", "cooldown_seconds", "After a rollback nothing starts for {}"),
}
"""Key of the pace: part of the policy, its field, and the sentence of a change."""


class Pacing:
    """A compiled policy under change: what it is now, what was changed, what cannot be."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self.policy = policy
        self._first_minimum = policy.stages[1].min_seconds
        self.changes: list[str] = []
        self.problems: list[Problem] = []

    def set_volume(self, daily: float) -> None:
        """Let the region have `daily` conversations a day, in the same mix of intents."""
        before = self.policy.baseline.daily_conversations
        self.policy = replace(
            self.policy,
            baseline=replace(self.policy.baseline, daily_conversations=daily),
            intents=tuple(
                replace(intent, daily_volume=intent.daily_volume * daily / before)
                for intent in self.policy.intents
            ),
        )
        self._say("The region has {} conversations a day", f"{daily:,.0f}", f"{before:,.0f}")

    def set_stage(self, name: str, minimum: int | None, maximum: int | None) -> None:
        """Let the stage of that index last less."""
        stages = list(self.policy.stages)
        between = {str(index): index for index in range(1, len(stages) - 1)}
        if name not in between:
            self._refuse(f"stages.{name}", name, f"a stage index: {one_of(set(between))}")
            return
        stage = stages[between[name]]
        for key, seconds in (("minimum", minimum), ("maximum", maximum)):
            before = getattr(stage, f"{key[:3]}_seconds")
            if seconds is None or not self._shorter(f"stages.{name}.{key}", seconds, before):
                continue
            stage = replace(stage, **{f"{key[:3]}_seconds": seconds})
            bound = "at least" if key == "minimum" else "at most"
            self._say_wait(f"Stage {name} ({stage.rate:.0%}) lasts {bound} {{}}", seconds, before)
        stages[between[name]] = stage
        self.policy = replace(self.policy, stages=tuple(stages))

    def set_test(self, test: int | None, fractions: Sequence[float] | None) -> None:
        """Let the test be shorter, its looks at `fractions` of it, or in the same proportions."""
        statistics = self.policy.statistics
        before = statistics.looks_seconds
        length = statistics.test_seconds
        if test is not None and self._shorter("test", test, length):
            length = test
            self._say_wait("The test lasts {}", test, statistics.test_seconds)
        if fractions is None:
            fractions = [look / statistics.test_seconds for look in before]
        elif len(fractions) != len(before):
            self._refuse("looks", list(fractions), f"{len(before)} looks, as the policy has")
            return
        elif fractions[-1] != 1:
            self._refuse(f"looks[{len(before) - 1}]", fractions[-1], "1: the end of the test")
            return
        looks = tuple(round(fraction * length) for fraction in fractions)
        if looks != before:
            shown = (", ".join(duration_text(look) for look in each) for each in (looks, before))
            self._say("The test is looked at after {}", *shown)
        across = round(statistics.promotion_test_seconds * length / statistics.test_seconds)
        self.policy = replace(
            self.policy,
            statistics=replace(
                statistics,
                test_seconds=length,
                looks_seconds=looks,
                promotion_test_seconds=across,
            ),
        )

    def set_wait(self, key: str, seconds: int) -> None:
        """Shorten one of the single waits."""
        part_name, field, sentence = WAITS[key]
        part: Any = getattr(self.policy, part_name)
        before = getattr(part, field)
        if self._shorter(key, seconds, before):
            self.policy = replace(self.policy, **{part_name: replace(part, **{field: seconds})})
            self._say_wait(sentence, seconds, before)

    def set_hold_after_rollback(self, seconds: int | None) -> None:
        """Shorten the first stage after a rollback; unasked, in proportion to the stage itself."""
        rule, first = self.policy.anti_flapping, self.policy.stages[1]
        before = rule.hold_after_rollback_seconds
        if seconds is None:
            paced = round(before * first.min_seconds / self._first_minimum)
            seconds = min(before, max(first.min_seconds, min(first.max_seconds, paced)))
        elif not self._shorter("hold_after_rollback", seconds, before):
            return
        elif not first.min_seconds <= seconds <= first.max_seconds:
            bounds = (duration_text(each) for each in (first.min_seconds, first.max_seconds))
            expected = f"between stage 1's minimum and maximum, {' and '.join(bounds)}"
            self._refuse("hold_after_rollback", duration_text(seconds), expected)
            return
        rule = replace(rule, hold_after_rollback_seconds=seconds)
        self.policy = replace(self.policy, anti_flapping=rule)
        self._say_wait("After a rollback stage 1 lasts at least {}", seconds, before)

    def set_outcome_window(self, name: str, seconds: int) -> None:
        """Wait less for a metric's outcomes."""
        path = f"outcome_windows.{name}"
        waited = {metric.name for metric in self.policy.metrics if metric.outcome_window_seconds}
        if name not in waited:
            self._refuse(path, name, f"a metric that waits for outcomes: {one_of(waited)}")
            return
        before = self.policy.metric(name).outcome_window_seconds
        if not self._shorter(path, seconds, before):
            return
        self.policy = replace(
            self.policy,
            metrics=tuple(
                replace(metric, outcome_window_seconds=seconds) if metric.name == name else metric
                for metric in self.policy.metrics
            ),
        )
        self._say_wait(f"Outcomes of {name} are waited for {{}}", seconds, before)

    def set_harm_window(self, name: str, seconds: int) -> None:
        """Look at harm over a shorter window."""
        path = f"harm_windows.{name}"
        trigger = self._trigger(path, name, lambda each: each.statistic == "harm")
        if trigger and self._shorter(path, seconds, trigger.windows_seconds[0]):
            self._set_trigger(replace(trigger, windows_seconds=(seconds,)))
            sentence = f"Trigger {name} looks at {{}}"
            self._say_wait(sentence, seconds, trigger.windows_seconds[0])

    def set_escalation(self, name: str, seconds: int) -> None:
        """Let a pause become a rollback sooner."""
        path = f"escalate_after.{name}"
        trigger = self._trigger(path, name, lambda each: each.escalate_after_seconds is not None)
        if trigger is None or trigger.escalate_after_seconds is None:
            return
        before = trigger.escalate_after_seconds
        if self._shorter(path, seconds, before):
            self._set_trigger(replace(trigger, escalate_after_seconds=seconds))
            self._say_wait(f"Trigger {name} escalates after {{}}", seconds, before)

    def set_gates(
        self,
        index: int,
        *,
        metric: str,
        leaving: Sequence[int],
        scope: Scope | None,
        unit: Unit | None,
        kind: Literal["must_not_fail"] | None,
        limit: float | None,
        min_sample: int | None,
    ) -> None:
        """Give the gates that fit the selection another limit, kind or minimum sample."""
        path = f"gates[{index}]"
        if limit is not None and unit is None:
            self._refuse(f"{path}.unit", None, "the unit of the limit")
            return
        changes: dict[str, Any] = {
            key: value
            for key, value in (("kind", kind), ("limit", limit), ("min_sample", min_sample))
            if value is not None
        }
        if not changes:
            self._refuse(path, metric, "a change: kind, limit or min_sample")
            return
        chosen = [
            gate
            for gate in self.policy.gates
            if gate.metric == metric
            and (not leaving or gate.stage in leaving)
            and scope in (None, gate.scope)
            and unit in (None, gate.unit)
        ]
        if not chosen:
            gated = {gate.metric for gate in self.policy.gates}
            self._refuse(
                path, metric, f"a gate that exists; gates are on {', '.join(sorted(gated))}"
            )
            return
        if limit is not None and any(gate.limit * limit < 0 for gate in chosen):
            sign = "below" if limit > 0 else "above"
            self._refuse(f"{path}.limit", limit, f"0 or {sign}, as the gate has it")
            return
        gates = list(self.policy.gates)
        for gate in chosen:
            after = replace(gate, **changes)
            gates[gates.index(gate)] = after
            self._say_gate(gate, after)
        self.policy = replace(self.policy, gates=tuple(gates))

    def check_whole(self) -> None:
        """What must hold between the shortened durations."""
        stages, statistics = self.policy.stages, self.policy.statistics
        for stage in stages[1:-1]:
            minimum = duration_text(stage.min_seconds)
            if stage.max_seconds < stage.min_seconds:
                expected = f"at least the minimum, {minimum}"
                value = duration_text(stage.max_seconds)
                self._refuse(f"stages.{stage.index}.maximum", value, expected)
            if stage.min_seconds < statistics.bake_poll_seconds:
                expected = (
                    f"at most {duration_text(stage.min_seconds)}, stage {stage.index}'s minimum"
                )
                self._refuse("bake_poll", duration_text(statistics.bake_poll_seconds), expected)
        minima = [stage.min_seconds for stage in stages]
        self.problems += check_look_times("pace.looks", statistics.looks_seconds, minima)
        least = statistics.test_seconds - sum(minima[:-2])
        if stages[-2].max_seconds < least:
            value = duration_text(stages[-2].max_seconds)
            expected = (
                f"at least {duration_text(least)}, so that the last look comes within the stage"
            )
            self._refuse(f"stages.{stages[-2].index}.maximum", value, expected)

    def _trigger(self, path: str, name: str, fits: Any) -> Trigger | None:
        fitting = {trigger.name: trigger for trigger in self.policy.triggers if fits(trigger)}
        if name not in fitting:
            self._refuse(path, name, f"a trigger: {one_of(set(fitting))}")
        return fitting.get(name)

    def _set_trigger(self, trigger: Trigger) -> None:
        self.policy = replace(
            self.policy,
            triggers=tuple(
                trigger if each.name == trigger.name else each for each in self.policy.triggers
            ),
        )

    def _shorter(self, path: str, seconds: int, before: int) -> bool:
        """Whether the duration is not longer than before; a longer one is a problem."""
        if seconds <= before:
            return True
        expected = f"at most {duration_text(before)}: a pace only shortens"
        self._refuse(path, duration_text(seconds), expected)
        return False

    def _refuse(self, path: str, value: Any, expected: str) -> None:
        self.problems.append(Problem(f"pace.{path}", value, expected))

    def _say_wait(self, sentence: str, seconds: int, before: int) -> None:
        self._say(sentence, duration_words(seconds), duration_words(before))

    def _say(self, sentence: str, after: str, before: str) -> None:
        if after != before:
            self.changes.append(f"{sentence.format(after)} instead of {before}.")

    def _say_gate(self, before: Gate, after: Gate) -> None:
        where = f"Leaving stage {before.stage}, {before.metric} ({before.scope}, {before.unit})"
        if after.kind != before.kind:
            self.changes.append(f"{where} must not fail instead of having to pass.")
        if after.limit != before.limit:
            self.changes.append(f"{where} is held to {after.limit:g} instead of {before.limit:g}.")
        if after.min_sample != before.min_sample:
            self.changes.append(
                f"{where} is judged from {after.min_sample} conversations an arm"
                f" instead of {before.min_sample}."
            )
