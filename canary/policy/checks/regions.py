"""What must hold of regions, zones and waves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from zoneinfo import available_timezones

from canary.policy.checks.common import repeated
from canary.policy.model import ModelRule, Region
from canary.policy.problem import Problem

__all__ = ["check_regions"]

ZONES = 3
_GEOGRAPHIES = ("apac", "au", "ca", "eu", "jp", "us", "us-gov")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def check_regions(regions: tuple[Region, ...]) -> Iterator[Problem]:
    """Regions differ, each has three zones of its own, and waves count up from 1."""
    yield from repeated("regions", "name", [region.name for region in regions])
    waves = sorted({region.wave for region in regions})
    for index, region in enumerate(regions):
        path = f"regions[{index}]"
        if region.wave > 1 and region.wave - 1 not in waves:
            expected = f"waves count up from 1; no region is in wave {region.wave - 1}"
            yield Problem(f"{path}.wave", region.wave, expected)
        yield from _check_zones(path, region)
        yield from _check_models(path, region)
        if (known := _timezones()) and region.timezone not in known:
            yield Problem(f"{path}.timezone", region.timezone, 'a time zone, as "Asia/Tokyo"')


def _check_zones(path: str, region: Region) -> Iterator[Problem]:
    if len(set(region.zones)) < ZONES:
        expected = f"at least {ZONES} different availability zones of {region.name}"
        yield Problem(f"{path}.zones", list(region.zones), expected)
    for index, zone in enumerate(region.zones):
        if not (zone.startswith(region.name) and len(zone) == len(region.name) + 1):
            expected = f'a zone of {region.name}, as "{region.name}a"'
            yield Problem(f"{path}.zones[{index}]", zone, expected)


def _check_models(path: str, region: Region) -> Iterator[Problem]:
    yield from repeated(f"{path}.models", "id", [model.id for model in region.models])
    for index, model in enumerate(region.models):
        yield from _check_model(f"{path}.models[{index}]", model)


def _check_model(path: str, model: ModelRule) -> Iterator[Problem]:
    """The task's role is limited to these ids, so each must say where it is answered."""
    geography = model.id.split(".", 1)[0]
    if geography == "global":
        expected = "a model or a profile of one geography: a role cannot name every region"
        yield Problem(f"{path}.id", model.id, expected)
    elif geography in _GEOGRAPHIES and not model.destinations:
        expected = f"every region that profile {model.id} may answer from"
        yield Problem(f"{path}.destinations", [], expected)
    elif geography not in _GEOGRAPHIES and model.destinations:
        expected = "none: only an inference profile, as us.{model}, has destinations"
        yield Problem(f"{path}.destinations", list(model.destinations), expected)
    for number, name in enumerate(model.destinations):
        if not _REGION.fullmatch(name):
            yield Problem(f"{path}.destinations[{number}]", name, 'a region, as "us-east-1"')


@cache
def _timezones() -> frozenset[str]:
    """The machine's time zones; empty where it has no such data, and then any name passes."""
    return frozenset(available_timezones())
