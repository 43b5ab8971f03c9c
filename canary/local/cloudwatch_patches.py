"""What the emulator's CloudWatch lacks, one patch a function.

The emulator stores metrics in one flat list, evaluates neither percentiles nor math, knows no
composite alarm and creates alarms as OK. Every patch has a test that fails once upstream makes it
needless.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterValue, ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from canary.local import metric_query
from canary.local.alarm_math import MathError
from canary.local.composites import RuleError, parse_rule
from canary.local.metrics import (
    MetricStore,
    StatisticSet,
    UnsupportedStatisticError,
    VirtualClock,
    series_key,
)
from canary.local.patches import Patches

__all__ = ["install"]

_REFUSALS = (MathError, metric_query.QueryError, UnsupportedStatisticError)


def install(patches: Patches, store: MetricStore, clock: VirtualClock) -> None:
    """Every patch below, before the first request."""
    put_metric_data_into(patches, store, clock)
    answer_get_metric_data_from(patches, store)
    answer_get_metric_statistics_from(patches, store)
    answer_list_metrics_from(patches, store)
    accept_composite_alarms(patches)
    accept_any_extended_statistic(patches)
    start_alarms_without_data(patches, clock)


def put_metric_data_into(patches: Patches, store: MetricStore, clock: VirtualClock) -> None:
    """PutMetricData goes into the store, at its storage resolution."""

    def put_metric_data(
        self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]
    ) -> None:
        for index, datum in enumerate(metric_data):
            self._validate_parameters_put_metric_data(datum, index + 1)
        for datum in metric_data:
            _store(store, namespace, datum, clock.now())

    patches.set(CloudWatchBackend, "put_metric_data", put_metric_data)


def _store(store: MetricStore, namespace: str, datum: dict[str, Any], now: float) -> None:
    dimensions = ((each["Name"], each["Value"]) for each in datum.get("Dimensions") or ())
    key = series_key(namespace, datum["MetricName"], dimensions)
    stamp = datum.get("Timestamp")
    at = now if stamp is None else metric_query.epoch(stamp)
    resolution = int(datum.get("StorageResolution") or 60)
    if values := datum.get("Values"):
        counts = [float(count) for count in datum.get("Counts") or [1.0] * len(values)]
        store.put_values(
            key, [float(value) for value in values], counts, at=at, resolution=resolution
        )
    elif point := datum.get("StatisticValues"):
        summary = StatisticSet(
            *(float(point[name]) for name in ("SampleCount", "Sum", "Minimum", "Maximum"))
        )
        store.put_statistics(key, summary, at=at, resolution=resolution)
    else:
        store.put(key, float(datum.get("Value") or 0.0), at=at, resolution=resolution)


def answer_get_metric_data_from(patches: Patches, store: MetricStore) -> None:
    """GetMetricData is answered by our engine, percentiles and metric math included."""

    def get_metric_data(self: CloudWatchResponse) -> ActionResult:
        parameters = self._get_params()
        try:
            results = metric_query.get_metric_data(
                store,
                parameters.get("MetricDataQueries") or [],
                start=parameters["StartTime"],
                end=parameters["EndTime"],
                newest_first=parameters.get("ScanBy") != "TimestampAscending",
            )
        except _REFUSALS as error:
            raise ValidationError(str(error)) from error
        return ActionResult({"MetricDataResults": results, "Messages": []})

    patches.set(CloudWatchResponse, "get_metric_data", get_metric_data)


def answer_get_metric_statistics_from(patches: Patches, store: MetricStore) -> None:
    """GetMetricStatistics is answered by our engine, ExtendedStatistics included."""

    def get_metric_statistics(self: CloudWatchResponse) -> ActionResult:
        parameters = self._get_params()
        dimensions = ((each["Name"], each["Value"]) for each in parameters.get("Dimensions") or ())
        statistics = [
            *(parameters.get("Statistics") or ()),
            *(parameters.get("ExtendedStatistics") or ()),
        ]
        if not statistics:
            raise InvalidParameterValue("Must specify either Statistics or ExtendedStatistics")
        try:
            datapoints = metric_query.get_metric_statistics(
                store,
                series_key(parameters["Namespace"], parameters["MetricName"], dimensions),
                statistics,
                start=parameters["StartTime"],
                end=parameters["EndTime"],
                period=int(parameters["Period"]),
            )
        except _REFUSALS as error:
            raise InvalidParameterValue(str(error)) from error
        return ActionResult({"Label": parameters["MetricName"], "Datapoints": datapoints})

    patches.set(CloudWatchResponse, "get_metric_statistics", get_metric_statistics)


def answer_list_metrics_from(patches: Patches, store: MetricStore) -> None:
    """ListMetrics names what the store holds, in one page."""

    def list_metrics(self: CloudWatchResponse) -> ActionResult:
        parameters = self._get_params()
        wanted = [(each["Name"], each.get("Value")) for each in parameters.get("Dimensions") or ()]
        metrics = [
            {
                "Namespace": key.namespace,
                "MetricName": key.name,
                "Dimensions": [
                    {"Name": name, "Value": value} for name, value in sorted(key.dimensions)
                ],
            }
            for key in store.keys(parameters.get("Namespace"))
            if parameters.get("MetricName") in (None, key.name)
            and all(
                any(name == own and value in (None, mine) for own, mine in key.dimensions)
                for name, value in wanted
            )
        ]
        return ActionResult({"Metrics": metrics})

    patches.set(CloudWatchResponse, "list_metrics", list_metrics)


def accept_composite_alarms(patches: Patches) -> None:
    """PutCompositeAlarm exists; a malformed rule or an ActionsSuppressor is a ValidationError."""

    def put_composite_alarm(self: CloudWatchResponse) -> EmptyResult:
        parameters = self._get_params()
        if parameters.get("ActionsSuppressor"):
            raise ValidationError(
                f"alarm {parameters['AlarmName']!r}: ActionsSuppressor is not supported"
            )
        try:
            parse_rule(parameters["AlarmRule"])
        except RuleError as error:
            raise ValidationError(str(error)) from error
        self.put_metric_alarm()
        return EmptyResult()

    patches.set(CloudWatchResponse, "put_composite_alarm", put_composite_alarm)


def accept_any_extended_statistic(patches: Patches) -> None:
    """An alarm may watch PR(low:high), which the emulator refuses for not being a percentile."""
    original = CloudWatchBackend.put_metric_alarm

    def put_metric_alarm(self: CloudWatchBackend, *args: Any, **options: Any) -> Alarm:
        statistic = options.pop("extended_statistic", None)
        alarm = original(self, *args, **options)
        alarm.extended_statistic = statistic
        return alarm

    patches.set(CloudWatchBackend, "put_metric_alarm", put_metric_alarm)


def start_alarms_without_data(patches: Patches, clock: VirtualClock) -> None:
    """A new alarm is INSUFFICIENT_DATA at the virtual time; an updated one keeps its state."""
    original = CloudWatchBackend.put_metric_alarm

    def put_metric_alarm(self: CloudWatchBackend, *args: Any, **options: Any) -> Alarm:
        old = self.alarms.get(options["name"])
        alarm = original(self, *args, **options)
        now = datetime.fromtimestamp(clock.now(), UTC)
        alarm.configuration_updated_timestamp = now
        if old is None:
            alarm.state_value, alarm.state_updated_timestamp = "INSUFFICIENT_DATA", now
        else:
            alarm.state_value = old.state_value
            alarm.state_reason = old.state_reason
            alarm.state_reason_data = old.state_reason_data
            alarm.state_updated_timestamp = old.state_updated_timestamp
        return alarm

    patches.set(CloudWatchBackend, "put_metric_alarm", put_metric_alarm)
