"""The weights of the gateway's three listener rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from canary.routing.weights import TrafficForm

__all__ = ["Rule", "Rules", "Traffic", "TrafficError"]

Rule = Literal["control", "canary", "draw"]
_ALL: tuple[Rule, ...] = ("canary", "draw", "control")
_WHOLE = 100


class TrafficError(RuntimeError):
    """The load balancer does not have the weights that were written."""


@dataclass(frozen=True)
class Rules:
    """The rules, and the target groups they forward to."""

    rule_control_arn: str
    rule_canary_arn: str
    rule_draw_arn: str
    target_primary_arn: str
    target_canary_arn: str


class Traffic:
    """Reads and writes the canary's weight in each rule."""

    def __init__(self, client: Any, rules: Rules) -> None:
        self._client = client
        self._rules = rules
        self._arns: dict[Rule, str] = {
            "control": rules.rule_control_arn,
            "canary": rules.rule_canary_arn,
            "draw": rules.rule_draw_arn,
        }

    def read(self) -> TrafficForm:
        """The live weights, as whole percent of the canary in each rule."""
        answer = self._client.describe_rules(RuleArns=list(self._arns.values()))
        actions = {rule["RuleArn"]: rule["Actions"] for rule in answer["Rules"]}
        return TrafficForm(
            **{rule: self._canary_weight(actions[arn]) for rule, arn in self._arns.items()}
        )

    def write(self, form: TrafficForm, rules: Iterable[Rule] = _ALL) -> None:
        """Write the weights of `rules`, one call each, without reading first.

        A rule whose call fails does not keep the others from being written; the first error is
        raised at the end.
        """
        errors: list[Exception] = []
        for rule in rules:
            try:
                self._client.modify_rule(
                    RuleArn=self._arns[rule], Actions=[self._forward(getattr(form, rule))]
                )
            except Exception as error:  # noqa: BLE001 - each rule is tried
                errors.append(error)
        if errors:
            raise errors[0]

    def put(self, form: TrafficForm) -> None:
        """Write the rules that differ, then read back; raises `TrafficError` when they differ."""
        live = self.read()
        self.write(form, [rule for rule in _ALL if getattr(live, rule) != getattr(form, rule)])
        live = self.read()
        if live != form:
            raise TrafficError(f"the rules have {live}, not {form}")

    def primary_is_dead(self) -> bool:
        """Whether the load balancer says that no target of primary is healthy."""
        answer = self._client.describe_target_health(TargetGroupArn=self._rules.target_primary_arn)
        states = [item["TargetHealth"]["State"] for item in answer["TargetHealthDescriptions"]]
        return "healthy" not in states

    def _canary_weight(self, actions: list[dict[str, Any]]) -> int:
        groups = [
            group
            for action in actions
            if action["Type"] == "forward"
            for group in action.get("ForwardConfig", {}).get("TargetGroups", [])
        ]
        total = sum(group.get("Weight", 0) for group in groups)
        canary = sum(
            group.get("Weight", 0)
            for group in groups
            if group["TargetGroupArn"] == self._rules.target_canary_arn
        )
        return round(_WHOLE * canary / total) if total else 0

    def _forward(self, canary: int) -> dict[str, Any]:
        """The whole action: ModifyRule replaces what it is not told."""
        return {
            "Type": "forward",
            "Order": 1,
            "ForwardConfig": {
                "TargetGroups": [
                    {
                        "TargetGroupArn": self._rules.target_primary_arn,
                        "Weight": _WHOLE - canary,
                    },
                    {"TargetGroupArn": self._rules.target_canary_arn, "Weight": canary},
                ],
                "TargetGroupStickinessConfig": {"Enabled": False},
            },
        }
