"""The endpoint: pinned, private, and never a real account's."""

from __future__ import annotations

import os
from importlib import metadata

import pytest

from canary.local.emulator import FUNCTION_KEY, TASK_KEY, Emulator, WrongMotoError

REAL = {"AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "mine", "AWS_ACCESS_KEY_ID": "mine"}


def test_emulator_when_another_moto_is_installed_then_says_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The patches know one version: another is refused with both versions named."""
    monkeypatch.setattr(metadata, "version", lambda _name: "6.0.0")
    with pytest.raises(WrongMotoError, match=r"5\.2\.5 and found 6\.0\.0"):
        Emulator("us-east-1")


def test_child_environment_when_not_started_then_is_refused() -> None:
    """Without an endpoint nothing may be started: an SDK would call AWS."""
    with pytest.raises(RuntimeError, match="not running"):
        Emulator("us-east-1").child_environment("task")


def test_start_when_user_has_credentials_then_nobody_sees_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The user's AWS settings leave this process and never reach a child; stop restores them."""
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    emulator = Emulator("us-east-1")
    emulator.start()
    try:
        child = emulator.child_environment("task")
        assert "mine" not in {*os.environ.values(), *child.values()}
        assert child["AWS_ENDPOINT_URL"] == emulator.endpoint
        assert child["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
        assert child["AWS_CONFIG_FILE"] == os.devnull
        assert child["AWS_EC2_METADATA_DISABLED"] == "true"
        assert emulator.client("sts").get_caller_identity()["Account"] == "123456789012"
    finally:
        emulator.stop()
    assert {name: os.environ.get(name) for name in REAL} == REAL


def test_child_environment_when_callers_differ_then_their_keys_do(plain: Emulator) -> None:
    """Faults of permission tell tasks from functions by the access key."""
    assert plain.child_environment("task")["AWS_ACCESS_KEY_ID"] == TASK_KEY
    assert plain.child_environment("function")["AWS_ACCESS_KEY_ID"] == FUNCTION_KEY


def test_stop_when_started_again_then_everything_is_forgotten() -> None:
    """Two regions in one process share nothing."""
    for _ in range(2):
        emulator = Emulator("us-east-1")
        emulator.start()
        try:
            assert emulator.client("sqs").list_queues().get("QueueUrls", []) == []
            emulator.client("sqs").create_queue(QueueName="left")
        finally:
            emulator.stop()
