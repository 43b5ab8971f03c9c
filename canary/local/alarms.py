"""The alarm evaluator: metric alarms by the clock, composites after their children.

High-resolution alarms (period 10, 20 or 30 s) are evaluated every ten virtual seconds over windows
ending at the last multiple of ten; all others once a minute over windows ending at the last whole
minute. A period above a minute is a sliding window, CloudWatch's default. A minute is read ten
seconds after it ends, so that what was published in it has arrived.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from canary.local.alarm_actions import ActionRunner
from canary.local.alarm_definition import MetricAlarm, UnsupportedAlarmError, read_metric_alarm
from canary.local.alarm_messages import Change, composite_reason, event_detail, metric_reason
from canary.local.alarm_state import State, next_state
from canary.local.composites import Rule, RuleError, evaluation_order, parse_rule
from canary.local.lasting import LastingThread
from canary.local.metric_query import epoch
from canary.local.metrics import MetricStore, VirtualClock

__all__ = ["AlarmEvaluator"]

TICK = 10
MINUTE = 60

_log = logging.getLogger(__name__)

EmitEvent = Callable[[str, str, list[str], dict[str, Any]], None]
"""emit_event(detail_type, source, resources, detail)"""

OnTransition = Callable[[str, str, str, str, float], None]
"""on_transition(name, old, new, reason, at)"""


class AlarmBackend(Protocol):
    """Where the emulator keeps one region's alarms, metric and composite, by name."""

    alarms: dict[str, Any]


class AlarmEvaluator:
    """Evaluates every alarm of a region and acts on transitions only.

    State, reason and reason data are written into the backend, so DescribeAlarms shows them.
    """

    def __init__(
        self,
        backend: AlarmBackend,
        store: MetricStore,
        clock: VirtualClock,
        actions: ActionRunner,
        *,
        emit_event: EmitEvent,
        on_transition: OnTransition,
    ) -> None:
        self._backend = backend
        self._store = store
        self._clock = clock
        self._actions = actions
        self._emit_event = emit_event
        self._on_transition = on_transition
        self._read: dict[int, tuple[Any, MetricAlarm | Rule]] = {}
        self._evaluated: dict[str, int] = {}
        self._thread = LastingThread("alarms", self._run)
        self.failures: list[str] = []
        """What could not be evaluated, one line each."""

    def load(self) -> None:
        """Read every alarm now. Raises `UnsupportedAlarmError` for what we cannot evaluate."""
        metric, rules = self._definitions()
        names = metric.keys() | rules.keys()
        try:
            evaluation_order(rules)
        except RuleError as error:
            raise UnsupportedAlarmError(str(error)) from error
        for name, rule in rules.items():
            if unknown := [child for child in rule.children if child not in names]:
                raise UnsupportedAlarmError(f"alarm {name!r} reads unknown alarms {unknown}")

    def start(self) -> None:
        """Evaluate in a thread until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and finish the actions under way."""
        self._thread.end(within=5)
        self._actions.finish()
        self._actions.close()

    def states(self) -> dict[str, str]:
        """Each alarm's state by name."""
        return {name: alarm.state_value for name, alarm in list(self._backend.alarms.items())}

    def evaluate(self, now: float) -> None:
        """Evaluate what is due at `now` (epoch seconds), then the composites, children first.

        Raises `UnsupportedAlarmError` or `RuleError` for an alarm that cannot be evaluated.
        """
        metric, rules = self._definitions()
        changed: list[str] = []
        for name, definition in metric.items():
            end = self._end(definition, now)
            if self._evaluated.get(name) == end:
                continue
            self._evaluated[name] = end
            if self._evaluate_metric(definition, end, now):
                changed.append(name)
        for name in evaluation_order(rules):
            if self._evaluate_composite(name, rules[name], changed, now):
                changed.append(name)

    def _run(self) -> None:
        while not self._thread.ending.is_set():
            now = self._clock.now()
            try:
                self.evaluate(now)
            except Exception as error:  # noqa: BLE001 - the thread must outlive any alarm
                self.failures.append(str(error))
                _log.exception("alarms could not be evaluated")
            upcoming = math.floor(now / TICK) * TICK + TICK
            self._clock.sleep(upcoming - self._clock.now(), self._thread.ending)

    @staticmethod
    def _end(definition: MetricAlarm, now: float) -> int:
        if definition.every == TICK:
            return math.floor(now / TICK) * TICK
        return math.floor((now - TICK) / MINUTE) * MINUTE

    def _definitions(self) -> tuple[dict[str, MetricAlarm], dict[str, Rule]]:
        metric: dict[str, MetricAlarm] = {}
        rules: dict[str, Rule] = {}
        for name, alarm in list(self._backend.alarms.items()):
            known = self._read.get(id(alarm))
            if known is None or known[0] is not alarm:
                known = (alarm, _read(alarm))
                self._read[id(alarm)] = known
                self._evaluated.pop(name, None)
            definition = known[1]
            if isinstance(definition, Rule):
                rules[name] = definition
            else:
                metric[name] = definition
        if len(self._read) > 2 * len(self._backend.alarms) + 8:
            self._read = {
                key: each
                for key, each in self._read.items()
                if self._backend.alarms.get(each[0].name) is each[0]
            }
        return metric, rules

    def _evaluate_metric(self, definition: MetricAlarm, end: int, now: float) -> bool:
        alarm = self._backend.alarms.get(definition.name)
        if alarm is None:
            return False
        points = definition.points(self._store, end)
        state = next_state(
            [None if point is None else definition.is_breaching(point) for point in points],
            periods=definition.periods,
            to_alarm=definition.to_alarm,
            treatment=definition.treatment,
            now=cast("State", alarm.state_value),
        )
        if state == alarm.state_value:
            return False
        reason, data = metric_reason(definition, state, points, end, now)
        self._transition(alarm, Change(state, reason, data, now))
        return True

    def _evaluate_composite(self, name: str, rule: Rule, changed: list[str], now: float) -> bool:
        alarms = self._backend.alarms
        alarm = alarms.get(name)
        if alarm is None:
            return False
        state = "ALARM" if rule.holds(self.states()) else "OK"
        if state == alarm.state_value:
            return False
        reason, data = composite_reason(
            _states(alarms, [child for child in rule.children if child in changed]),
            _states(alarms, [c for c in rule.children if alarms[c].state_value == "ALARM"]),
        )
        self._transition(alarm, Change(state, reason, data, now))
        return True

    def _transition(self, alarm: Any, new: Change) -> None:
        old = _state_of(alarm)
        alarm.update_state(new.reason, new.data, new.value)
        alarm.state_updated_timestamp = datetime.fromtimestamp(new.at, UTC)
        self._actions.start(alarm, new, old)
        self._emit_event(
            "CloudWatch Alarm State Change",
            "aws.cloudwatch",
            [alarm.alarm_arn],
            event_detail(alarm, new, old),
        )
        self._on_transition(alarm.name, old.value, new.value, new.reason, new.at)


def _read(alarm: Any) -> MetricAlarm | Rule:
    if alarm.rule is None:
        return read_metric_alarm(alarm)
    try:
        return parse_rule(alarm.rule)
    except RuleError as error:
        raise UnsupportedAlarmError(f"alarm {alarm.name!r}: {error}") from error


def _state_of(alarm: Any) -> Change:
    return Change(
        alarm.state_value,
        alarm.state_reason,
        alarm.state_reason_data,
        epoch(alarm.state_updated_timestamp),
    )


def _states(alarms: Mapping[str, Any], names: Iterable[str]) -> list[tuple[str, Change]]:
    return [(alarms[name].alarm_arn, _state_of(alarms[name])) for name in names]
