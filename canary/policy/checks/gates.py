"""What must hold of gates, a metric's own and a region's, and of offline gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from canary.policy.checks.common import one_of, repeated
from canary.policy.checks.limits import check_limit, check_unit
from canary.policy.metric import GateRule, MetricRule, OfflineRule
from canary.policy.model import DetectorRule, Region, StageRule
from canary.policy.problem import Problem

__all__ = [
    "check_detector_limits",
    "check_metric_gates",
    "check_offline_gates",
    "check_region_gates",
]


def check_metric_gates(
    metrics: tuple[MetricRule, ...], stages: tuple[StageRule, ...]
) -> Iterator[Problem]:
    """A metric's gates guard stages that exist, each once."""
    for index, metric in enumerate(metrics):
        seen: dict[tuple[object, ...], str] = {}
        for place, gate in enumerate(metric.gates):
            path = f"metrics[{index}].gates[{place}]"
            yield from _check_gate(path, metric, gate, len(stages), seen)


def check_region_gates(
    regions: tuple[Region, ...], metrics: tuple[MetricRule, ...], stages: tuple[StageRule, ...]
) -> Iterator[Problem]:
    """A region's gates and offline gates name metrics, and are held to the same rules."""
    known = {metric.name: metric for metric in metrics}
    for index, region in enumerate(regions):
        seen: dict[tuple[object, ...], str] = {}
        for place, gate in enumerate(region.gates):
            path = f"regions[{index}].gates[{place}]"
            if gate.metric not in known:
                yield _unknown(path, gate.metric, known)
                continue
            yield from check_limit(path, known[gate.metric], gate)
            yield from _check_gate(path, known[gate.metric], gate, len(stages), seen)
        yield from _check_offline(f"regions[{index}].offline_gates", region.offline_gates, known)


def check_offline_gates(
    offline_gates: tuple[OfflineRule, ...], metrics: tuple[MetricRule, ...]
) -> Iterator[Problem]:
    """Offline gates name metrics, each once."""
    known = {metric.name: metric for metric in metrics}
    yield from _check_offline("offline_gates", offline_gates, known)


def check_detector_limits(
    metrics: tuple[MetricRule, ...], regions: tuple[Region, ...], detector: DetectorRule
) -> Iterator[Problem]:
    """No level is asked of the detector that its own false alarms would already break."""
    known = {metric.name: metric for metric in metrics if metric.source == "detector"}
    gates = [
        (f"metrics[{index}].gates[{place}].limit", metric.name, gate)
        for index, metric in enumerate(metrics)
        for place, gate in enumerate(metric.gates)
    ] + [
        (f"regions[{index}].gates[{place}].limit", gate.metric, gate)
        for index, region in enumerate(regions)
        for place, gate in enumerate(region.gates)
    ]
    for path, name, gate in gates:
        if name in known and gate.unit == "level":
            yield from _check_floor(path, known[name], gate.limit, detector)
    for index, metric in enumerate(metrics):
        for place, trigger in enumerate(metric.triggers):
            if metric.name in known and trigger.unit == "level":
                path = f"metrics[{index}].triggers[{place}].threshold"
                yield from _check_floor(path, metric, trigger.threshold, detector)


def _check_gate(
    path: str,
    metric: MetricRule,
    gate: GateRule,
    stages: int,
    seen: dict[tuple[object, ...], str],
) -> Iterator[Problem]:
    if metric.source == "offline":
        yield Problem(path, gate.kind, "absent: an offline score belongs to offline_gates")
        return
    if metric.measure == "quantile" and gate.scopes != ("overall",):
        expected = '["overall"]: the latency tail is kept by arm only'
        yield Problem(f"{path}.scopes", list(gate.scopes), expected)
    if gate.kind == "must_pass" and {"intent", "tier"} & set(gate.scopes):
        expected = '"must_not_fail": no canary proves itself in every intent at once'
        yield Problem(f"{path}.kind", gate.kind, expected)
    for index, stage in enumerate(gate.leaving):
        if not 1 <= stage <= stages - 2:
            expected = f"a stage between the first and the last: 1 to {stages - 2}"
            yield Problem(f"{path}.leaving[{index}]", stage, expected)
        for scope in gate.scopes:
            key = (metric.name, stage, scope, gate.unit)
            if key in seen:
                expected = f"one gate a stage, scope and unit; {seen[key]} is the same"
                yield Problem(f"{path}.leaving[{index}]", stage, expected)
            seen.setdefault(key, path)


def _check_offline(
    path: str, gates: Sequence[OfflineRule], known: dict[str, MetricRule]
) -> Iterator[Problem]:
    yield from repeated(path, "metric", [gate.metric for gate in gates])
    for index, gate in enumerate(gates):
        here = f"{path}[{index}]"
        if gate.metric in known:
            yield from check_unit(here, known[gate.metric], "level", gate.limit, limit="limit")
        else:
            yield _unknown(here, gate.metric, known)


def _check_floor(
    path: str, metric: MetricRule, limit: float, detector: DetectorRule
) -> Iterator[Problem]:
    if metric.better == "lower" and limit < 1 - detector.specificity - 1e-12:
        expected = f"at least 1 - detector.specificity, {1 - detector.specificity:.6g}"
        yield Problem(path, limit, expected)
    if metric.better == "higher" and limit > detector.specificity + 1e-12:
        expected = f"at most detector.specificity, {detector.specificity:.6g}"
        yield Problem(path, limit, expected)


def _unknown(path: str, name: str, known: dict[str, MetricRule]) -> Problem:
    return Problem(f"{path}.metric", name, f"a metric: {one_of(set(known))}")
