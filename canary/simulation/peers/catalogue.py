"""The strategies a comparison runs, each as its tool or its source has it."""

from __future__ import annotations

from canary.simulation.peers.failure_limit import ArgoAnalysis, FlaggerAnalysis
from canary.simulation.peers.kayenta import KayentaJudge
from canary.simulation.peers.ratio_alarms import GATE, RatioAlarms
from canary.simulation.peers.strategy import Strategy
from canary.simulation.peers.z_test import RepeatedZTest

__all__ = ["peers"]


def peers() -> tuple[Strategy, ...]:
    """All of them, in the order of the tables."""
    return (
        RatioAlarms(),
        RatioAlarms(gate=GATE),
        RepeatedZTest(),
        ArgoAnalysis(),
        FlaggerAnalysis(),
        KayentaJudge(),
    )
