"""`canary review` on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from canary.cli.main import canary


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The smallest synthesis: one region, one stack, one public load balancer."""
    stack = {
        "type": "aws:cloudformation:stack",
        "displayName": "us-east-1/Front",
        "properties": {"templateFile": "front.json", "stackName": "shop-front"},
    }
    balancer = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {"Name": "door"}}
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "one"}}
    files: dict[str, Any] = {
        "manifest.json": {"artifacts": {"us-east-1": stage | {"displayName": "us-east-1"}}},
        "one/manifest.json": {"artifacts": {"front": stack}},
        "one/front.json": {"Resources": {"Door": balancer}},
        "validation-report.json": {
            "pluginReports": [
                {
                    "pluginName": "Nag",
                    "violations": [
                        {
                            "ruleName": "ELB2",
                            "description": "No access logs",
                            "violatingConstructs": [{"constructPath": "us-east-1/Front/Door"}],
                        }
                    ],
                }
            ]
        },
    }
    for name, content in files.items():
        path = tmp_path / "cdk.out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    return tmp_path / "cdk.out"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(canary, ["review", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_page_goes_to_standard_output(directory: Path) -> None:
    """Findings first, then each region with what is public."""
    code, page = run(directory)
    assert code == 0
    assert "- Nag **ELB2** at `us-east-1/Front/Door`: No access logs" in page
    assert "- load balancer `door` faces the internet" in page


def test_output_writes_the_page_to_a_file(directory: Path, tmp_path: Path) -> None:
    """What would be printed is written, and nothing is printed."""
    file = tmp_path / "review.md"
    assert run(directory, "--output", file) == (0, "")
    assert file.read_text() == run(directory)[1]


def test_a_base_puts_the_changes_before_the_regions(directory: Path) -> None:
    """Against itself nothing changes."""
    code, page = run(directory, "--base", directory)
    assert code == 0
    assert page.index("## Changes against the base") < page.index("## us-east-1")
    assert "### us-east-1\n\nNone." in page


@pytest.mark.parametrize(
    "arguments",
    [("nowhere",), (".", "--base", "nowhere"), ("--permissions", "--base", ".")],
)
def test_what_cannot_be_reviewed_is_one_line_and_exit_2(arguments: tuple[str, ...]) -> None:
    """No directory of templates, or options that exclude each other."""
    code, output = run(*arguments)
    assert code == 2
    assert len(output.strip().splitlines()) == 1
