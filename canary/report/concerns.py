"""What a person should weigh before answering: all that is not simply well, from the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from canary.report.figures import effect_kind, text_of

__all__ = ["concerns"]


def concerns(document: Mapping[str, Any]) -> list[str]:
    """Sentences in the order of their weight; empty when nothing speaks against the release."""
    return [
        *_ratio(document["sample_ratio"]),
        *_gates(document["gates"]),
        *_composite(document["composite"]),
        *_test(document["primary"]),
        *_intents(document),
        *_time(document["by_time"]),
        *_ledger(document["ledger"]),
    ]


def _ratio(found: Mapping[str, Any]) -> Iterator[str]:
    if found["mismatch"]:
        yield (
            f"The arms' sizes are not those asked for (p {text_of(found['p'], 'p')}): until it is "
            "known why, no number here can be trusted."
        )


def _gates(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [*found["overall"], *found["parts"]]
    yield from (row["sentence"] + "." for row in rows if row["verdict"] == "FAIL")
    unsure = [row for row in rows if row["verdict"] == "INCONCLUSIVE"]
    proved = [row for row in unsure if row["gate"] == "must_pass"]
    yield from (row["sentence"] + "." for row in proved)
    if open_gates := len(unsure) - len(proved):
        yield f"{open_gates} of {len(rows)} gates that need not be proved are not resolved."


def _composite(found: Mapping[str, Any]) -> Iterator[str]:
    if found["verdict"] and found["verdict"]["verdict"] != "PASS":
        yield found["verdict"]["sentence"] + "."


def _test(found: Mapping[str, Any]) -> Iterator[str]:
    looks = found["looks"]
    if looks and looks[-1]["differs"]:
        kind = effect_kind(found["unit"])
        yield (
            f"By the intents' volumes the effect is "
            f"{text_of(looks[-1]['post_stratified'], kind)}, by the test's weights "
            f"{text_of(looks[-1]['estimate'], kind)}: more than a standard error apart."
        )


def _intents(document: Mapping[str, Any]) -> Iterator[str]:
    """Intents whose own interval lies on the bad side, though no gate may have failed."""
    for forest in document["forests"]:
        if not forest["primary"]:
            continue
        sign, kind = (1 if forest["better"] == "higher" else -1), effect_kind(forest["unit"])
        for row in forest["rows"]:
            if row["scope"] != "intent" or row["estimate"] is None:
                continue
            best = max(sign * row["lower"], sign * row["upper"])
            if best < 0:
                yield (
                    f"{row['name']} loses: {text_of(row['estimate'], kind)} "
                    f"({text_of(row['lower'], kind)} to {text_of(row['upper'], kind)}), not "
                    "corrected for the number of intents."
                )


def _time(found: Mapping[str, Any]) -> Iterator[str]:
    for key, what in (("weekday_tests", "days of the week"), ("promotion_tests", "a promotion")):
        turned = [t["scope"] for t in found[key] if t["p"] is not None and t["p"] < found["alpha"]]
        if turned:
            yield f"The effect turns round between {what} ({', '.join(turned)})."
    if found["novelty"] and found["novelty"]["wears_off"]:
        yield (
            "Most of the effect wears off: expect the late one, "
            f"{text_of(found['novelty']['late'], effect_kind(found['unit']))}."
        )


def _ledger(found: Mapping[str, Any]) -> Iterator[str]:
    if not found["registered"]:
        yield "The test is not registered in the ledger."
