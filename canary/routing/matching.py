"""How a control unit is weighted so that the control's counts have the canary's mix.

Standard library only: the detector imports this.
"""

from __future__ import annotations

__all__ = ["MATCHED", "matching_weight"]

MATCHED = "control-matched"
"""The `Arm` of metrics that count the control's turns by this weight."""


def matching_weight(p_canary: float | None) -> float:
    """How many canary units one control unit stands for: the odds p / (1 - p) of its draw.

    While rates rise, or differ between intents, the arms' traffic is of different times and
    intents: what fails in both arms alike then seems to fail more in one of them. Weighted by the
    odds of each unit's own draw, the control's counts are what the canary's would be if it behaved
    like the control (Simpson's paradox; inverse-propensity weights for the treated). A unit that
    was not drawn, or could not have been control, stands for none.
    """
    if p_canary is None or not 0.0 < p_canary < 1.0:
        return 0.0
    return p_canary / (1.0 - p_canary)
