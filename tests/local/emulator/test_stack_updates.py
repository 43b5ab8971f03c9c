"""Updates of a stack: their order, what follows what, and the way back."""

from __future__ import annotations

import json
from typing import Any

from canary.local.emulator import Emulator
from canary.local.parts import Parts
from tests.local.emulator.bench import eventually, lines_of, make_function, make_stack

HANDLER = """
import json
def handler(event, context):
    wanted = event["ResourceProperties"]
    print(json.dumps([event["RequestType"], wanted["Name"], wanted.get("Of")]))
    if wanted.get("Fail"):
        raise ValueError("no")
    return {"PhysicalResourceId": wanted["Id"]}
"""


def custom(token: str, name: str, identity: str, **more: Any) -> dict[str, Any]:
    depends = {"DependsOn": more.pop("after")} if "after" in more else {}
    properties = {"ServiceToken": token, "Name": name, "Id": identity, **more}
    return {"Type": "Custom::Thing", "Properties": properties, **depends}


def change(emulator: Emulator, stack: str, **resources: dict[str, Any]) -> dict[str, Any]:
    """Update the stack; its last event."""
    client = emulator.client("cloudformation")
    client.update_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
    return dict(client.describe_stack_events(StackName=stack)["StackEvents"][0])


def said(parts: Parts, function: str, lines: int) -> list[Any]:
    """What the function printed itself, once it has printed that many lines."""

    def found() -> list[str]:
        return [line for line in lines_of(parts, function) if line.startswith('["')]

    eventually(lambda: len(found()) >= lines)
    return [json.loads(line) for line in found()]


def test_update_goes_by_dependency_and_deletes_what_was_replaced_at_the_end(
    emulator: Emulator, parts: Parts
) -> None:
    """The dependent follows although its own text is the same, and the old one goes last."""
    token = make_function(emulator, "ordered", HANDLER)
    follower = custom(token, "follower", "f-1", Of={"Ref": "Leader"})
    leader = custom(token, "leader", "l-1")
    make_stack(emulator, "ordered", {"Resources": {"Follower": follower, "Leader": leader}})
    event = change(emulator, "ordered", Follower=follower, Leader=custom(token, "leader", "l-2"))
    assert event["ResourceStatus"] == "UPDATE_COMPLETE"
    assert said(parts, "ordered", 5) == [
        ["Create", "leader", None],
        ["Create", "follower", "l-1"],
        ["Update", "leader", None],
        ["Update", "follower", "l-2"],
        ["Delete", "leader", None],
    ]


def test_failed_update_goes_back_and_takes_away_what_it_made(
    emulator: Emulator, parts: Parts
) -> None:
    """What changed is changed back, what failed too; the stack tells why."""
    token = make_function(emulator, "undone", HANDLER)
    first, second = custom(token, "first", "1"), custom(token, "second", "2", after="First")
    make_stack(emulator, "undone", {"Resources": {"First": first, "Second": second}})
    event = change(
        emulator,
        "undone",
        New=custom(token, "new", "3"),
        First=custom(token, "first again", "1", after="New"),
        Second=custom(token, "second again", "2", after="First", Fail=True),
    )
    assert event["ResourceStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Second (Custom::Thing)" in event["ResourceStatusReason"]
    assert "ValueError: no" in event["ResourceStatusReason"]
    assert [line[:2] for line in said(parts, "undone", 8)] == [
        ["Create", "first"],
        ["Create", "second"],
        ["Create", "new"],
        ["Update", "first again"],
        ["Update", "second again"],
        ["Update", "second"],
        ["Update", "first"],
        ["Delete", "new"],
    ]


def test_what_a_template_no_longer_has_is_deleted_unless_it_is_retained(
    emulator: Emulator, parts: Parts
) -> None:
    """The deletion policy decides."""
    token = make_function(emulator, "removed", HANDLER)
    kept = custom(token, "kept", "1") | {"DeletionPolicy": "Retain"}
    resources = {"Kept": kept, "Gone": custom(token, "gone", "2"), "Left": custom(token, "l", "3")}
    make_stack(emulator, "removed", {"Resources": resources})
    change(emulator, "removed", Left=resources["Left"])
    assert said(parts, "removed", 4)[3:] == [["Delete", "gone", None]]
