"""The listener's three rules as numbers: how much of each goes to the canary's target group."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["ALL_ON_CANARY", "ALL_ON_PRIMARY", "TrafficForm", "safe_form", "traffic_form"]


@dataclass(frozen=True)
class TrafficForm:
    """The canary target group's weight (0 to 100) in each rule; the primary has the rest.

    `control` and `canary` are the rules that match the arm's header, `draw` the one for the rest.
    """

    control: int
    canary: int
    draw: int

    def __post_init__(self) -> None:
        for name, weight in asdict(self).items():
            if not 0 <= weight <= 100:  # noqa: PLR2004  # a weight is a percentage here
                raise ValueError(f"{name}: weight {weight} is outside 0 to 100")

    def to_dict(self) -> dict[str, int]:
        """Rule name to the canary's weight."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> TrafficForm:
        """Read what `to_dict` wrote."""
        return cls(*(int(value[name]) for name in ("control", "canary", "draw")))


ALL_ON_PRIMARY = TrafficForm(control=0, canary=0, draw=0)
ALL_ON_CANARY = TrafficForm(control=100, canary=100, draw=100)


def traffic_form(
    routing: Literal["application", "alb"], stage_rate: float, *, promotion: bool = False
) -> TrafficForm:
    """The rules' weights at a stage, or in a promotion while everything is on the canary.

    A stage without canary traffic keeps the canary's own rule closed too.
    """
    if not 0 <= stage_rate <= 1:
        raise ValueError(f"stage_rate: {stage_rate} is outside 0 to 1")
    if promotion:
        return ALL_ON_CANARY
    if stage_rate == 0:
        return ALL_ON_PRIMARY
    return TrafficForm(
        control=0, canary=100, draw=round(100 * stage_rate) if routing == "alb" else 0
    )


def safe_form(safe_arm: Literal["primary", "canary"]) -> TrafficForm:
    """Everything on the safe task set, whatever header a request carries."""
    return ALL_ON_CANARY if safe_arm == "canary" else ALL_ON_PRIMARY
