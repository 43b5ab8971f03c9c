"""What a change of a template does to a release that is under way while it is deployed."""

from __future__ import annotations

from canary.review.changes import Change
from canary.review.under_way import UNDER_WAY

__all__ = ["CALLED_BY_ALIAS", "consequence"]

CALLED_BY_ALIAS = ("rollback", "pause", "reconcile", "analyse", "detect", "session-flag")
"""Functions that alarms, rules and schedules call by their alias: a new version acts at once."""

_GRANTS = {"AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}


def consequence(change: Change) -> str:
    """One sentence, empty for what no release can notice."""
    kind = "replace" if change.kind == "may replace" else change.kind
    if change.resource_type == "AWS::Lambda::Version" and change.kept:
        return "none: the version stays, and a release under way goes on calling it"
    if change.resource_type == "AWS::Lambda::Function":
        return _function(change)
    if change.resource_type in _GRANTS and kind != "add":
        return "its holder's next call has the new rights: old versions of a function too"
    return UNDER_WAY.get((change.resource_type, kind), "")


def _function(change: Change) -> str:
    if change.kind == "add":
        return ""
    if change.kind != "update":
        return "what calls it by name or alias fails until the new one is there"
    properties = change.stack.resources[change.logical_id].get("Properties", {})
    name = str(properties.get("FunctionName", "")).removeprefix("canary-")
    if name in CALLED_BY_ALIAS:
        return "acts at once: it is called by its alias, whatever the release began with"
    return "none: a release under way calls the version it started with"
