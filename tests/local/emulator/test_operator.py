"""The operator's commands reach an embedded region with the settings that it prints."""

from __future__ import annotations

import os
import subprocess
import sys

from canary.local.emulator import Emulator
from canary.local.parts import Parts


def test_the_printed_settings_lead_a_command_to_this_region(emulator: Emulator) -> None:
    """In a process of its own, with nothing else of AWS set: the table made here is there."""
    emulator.client("dynamodb").create_table(
        TableName="canary-releases",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
    )
    settings = dict(each.split("=", 1) for each in emulator.settings_line().split())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "canary.cli.main", "explain"],
        env=kept | settings | {"NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "canary: refused: no release is active\n")


def test_the_settings_name_the_region(parts: Parts) -> None:
    """A later wave's region is asked as that region."""
    assert f"AWS_DEFAULT_REGION={parts.emulator.region}" in parts.emulator.settings_line()
