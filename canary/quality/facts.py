"""What a store charges and promises, as data: an answer may state nothing else.

The data is `store_facts.toml` beside this file. A store puts its own in its place.

| key | meaning |
|---|---|
| `answers_in` | `english`, or `question`: the language that the customer writes |
| `currency` | `USD` or `JPY` |
| `prices` | every amount that the store charges or sets: prices, fees, thresholds |
| `labels` | its buttons, pages and programmes, so that they are not taken for titles |
| `days` | numbers of days, by topic: `return`, `refund`, `delivery`, `cancel`, `points` |
| `hours` | the same in hours |
| `percents` | discounts and rates that exist |
| `untrue` | never promised: `price_match`, `lifetime`, `free_returns`, `always_free` |
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from canary.quality.text import name_key
from canary.quality.turn import Expected

__all__ = ["StoreFacts", "find_facts", "load_facts", "parse_facts"]

SHIPPED = Path(__file__).with_name("store_facts.toml")
CURRENCIES = ("USD", "JPY")
_KEYS = frozenset(
    {"answers_in", "currency", "prices", "labels", "days", "hours", "percents", "untrue"}
)


@dataclass(frozen=True)
class StoreFacts:
    """One region's store; days and hours by topic."""

    expected: Expected
    currency: str
    prices: frozenset[Decimal]
    labels: frozenset[str]
    days: Mapping[str, frozenset[int]] = field(default_factory=dict)
    hours: Mapping[str, frozenset[int]] = field(default_factory=dict)
    percents: frozenset[int] = frozenset()
    untrue: frozenset[str] = frozenset()


def load_facts(region: str, path: Path = SHIPPED) -> StoreFacts:
    """The facts of a region's store. Raises `ValueError` for an unknown region or key."""
    regions = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    if region not in regions:
        raise ValueError(f"{path.name}: no region {region}, only {', '.join(sorted(regions))}")
    return parse_facts(regions[region])


def find_facts(region: str, path: Path = SHIPPED) -> StoreFacts | None:
    """The same, or None for a region whose store states none."""
    return load_facts(region, path) if region in tomllib.loads(path.read_text("utf-8")) else None


def parse_facts(record: Mapping[str, Any]) -> StoreFacts:
    """One region's table. Raises `ValueError` for an unknown key, currency or language."""
    if extra := sorted(set(record) - _KEYS):
        raise ValueError(f"facts: unknown keys {', '.join(extra)}")
    if record.get("currency") not in CURRENCIES:
        raise ValueError(f"facts: currency {record.get('currency')!r} is none of {CURRENCIES}")
    if record.get("answers_in") not in set(Expected):
        raise ValueError(f"facts: answers_in {record.get('answers_in')!r} is none of {[*Expected]}")
    return StoreFacts(
        expected=Expected(record["answers_in"]),
        currency=record["currency"],
        prices=frozenset(Decimal(price) for price in record.get("prices", ())),
        labels=frozenset(name_key(label) for label in record.get("labels", ())),
        days={topic: frozenset(days) for topic, days in record.get("days", {}).items()},
        hours={topic: frozenset(hours) for topic, hours in record.get("hours", {}).items()},
        percents=frozenset(record.get("percents", ())),
        untrue=frozenset(record.get("untrue", ())),
    )
