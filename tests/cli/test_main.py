"""The `canary` command starts at once, finds its subcommands and fails in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from canary.cli import main as command
from canary.cli.main import COMMANDS, canary

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "pydantic", "boto3", "botocore", "rich", "aws_cdk", "moto", "duckdb", "redis")


def imported_by(code: str) -> set[str]:
    """The top-level packages that a fresh interpreter has imported after running the code."""
    tail = "import json, sys; print(json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tail}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(answer.stdout.splitlines()[-1]))


def test_importing_the_command_imports_nothing_heavy() -> None:
    """Importing the command's module loads none of the libraries that take time."""
    assert imported_by("import canary.cli.main").isdisjoint(HEAVY)


def test_help_imports_no_subcommand() -> None:
    """Printing the help loads neither a heavy library nor any subcommand's module."""
    code = (
        "from canary.cli.main import canary\n"
        "try: canary.main(['--help'])\n"
        "except SystemExit as done: assert done.code == 0\n"
        "import sys\n"
        "assert not [n for n in sys.modules if n.startswith('canary.cli.') "
        "and n != 'canary.cli.main']"
    )
    assert imported_by(code).isdisjoint(HEAVY)


def test_help_lists_every_command_with_its_line() -> None:
    """The help shows each command of the table with one line."""
    result = CliRunner().invoke(canary, ["--help"])
    assert result.exit_code == 0
    for name, (_, line) in COMMANDS.items():
        assert name in result.output
        assert line in result.output


def test_the_version_is_the_packages() -> None:
    """`--version` prints the version and exits 0."""
    result = CliRunner().invoke(canary, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("canary, version ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["promote-all"], "canary: No such command 'promote-all'."),
        (["--loud"], "canary: No such option '--loud'."),
        (["policy", "chek"], "canary policy: No such command 'chek'."),
        (["policy", "show", "--region"], "canary: Option '--region' requires an argument."),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_2(arguments: list[str], line: str) -> None:
    """An error of usage says what is wrong in one line, without a usage text, and exits 2."""
    result = CliRunner().invoke(canary, arguments)
    assert result.exit_code == 2
    (said,) = result.stderr.splitlines()
    assert said.startswith(line)


def test_no_command_shows_the_help_and_exits_2() -> None:
    """`canary` alone shows what there is, as an error of usage."""
    result = CliRunner().invoke(canary, [])
    assert result.exit_code == 2
    assert "Commands:" in result.output


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_an_interrupted_command_exits_130(
    monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    """Ctrl-C within a command ends it with 130 and one line."""

    @click.command()
    def wait() -> None:
        raise interruption

    module = type("Module", (), {"wait": wait})
    monkeypatch.setitem(COMMANDS, "wait", ("waiting:wait", "Wait."))
    monkeypatch.setattr(command.importlib, "import_module", lambda name: module)
    result = CliRunner().invoke(canary, ["wait"])
    assert result.exit_code == 130
    assert result.stderr.strip() == "canary: interrupted"


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (1, 1)])
def test_a_commands_exit_status_is_the_processs(
    monkeypatch: pytest.MonkeyPatch, returned: int | None, status: int
) -> None:
    """A command that exits with a status, or with none, ends the process with it, or with 0."""

    @click.command()
    @click.pass_context
    def end(context: click.Context) -> None:
        if returned is not None:
            context.exit(returned)

    module = type("Module", (), {"end": end})
    monkeypatch.setitem(COMMANDS, "end", ("ending:end", "End."))
    monkeypatch.setattr(command.importlib, "import_module", lambda name: module)
    assert CliRunner().invoke(canary, ["end"]).exit_code == status


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists(name: str) -> None:
    """Each entry leads to a command of that name, which explains itself."""
    result = CliRunner().invoke(canary, [name, "--help"], prog_name="canary")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: canary {name}")
