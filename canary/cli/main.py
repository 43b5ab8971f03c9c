"""The `canary` command: a table of subcommands, each imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from canary.policy.problem import PolicyError

__all__ = ["COMMANDS", "canary", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "local": ("canary.cli.local:local", "Run a whole release on this machine."),
    "policy": ("canary.cli.policy:policy", "Check and show a release policy."),
    "simulate": ("canary.cli.simulate:simulate", "Say how often a policy is wrong."),
    "samplesize": ("canary.cli.samplesize:samplesize", "Say how many conversations a test needs."),
    "quality": ("canary.cli.quality:quality", "Measure the quality detector and the classifier."),
    "review": ("canary.cli.review:review", "Say what the synthesized templates would do."),
    "register": ("canary.cli.register:register", "Register a test before its release starts."),
    "ledger": ("canary.cli.ledger:ledger", "Show the registered tests and what they were held to."),
    "bandits": ("canary.cli.bandits:bandits", "Show what low-risk intents have learned."),
    "evaluate": ("canary.cli.evaluate:evaluate", "Score a candidate before any customer meets it."),
    "start": ("canary.cli.operate:start", "Start a release of a candidate model."),
    "status": ("canary.cli.operate:status", "Say where the release stands, and why."),
    "watch": ("canary.cli.watch:watch", "Follow the release until it is over."),
    "explain": ("canary.cli.explain:explain", "Say why a release was decided on as it was."),
    "page": ("canary.cli.page:page", "Show the region's status page on this machine."),
    "hold": ("canary.cli.operate:hold", "Pause the release at its present weights."),
    "resume": ("canary.cli.operate:resume", "Lift a pause."),
    "report": ("canary.cli.report:report", "Make the report that a person approves from."),
    "approve": ("canary.cli.approval:approve", "Approve the step from 50% to 100%."),
    "reject": ("canary.cli.approval:reject", "Reject that step: hold at 50%."),
    "diagnose": ("canary.cli.diagnose:diagnose", "Show what a rollback saw; say if it was right."),
    "rollback": ("canary.cli.operate:rollback", "Take all traffic off the canary now."),
    "drill": ("canary.cli.drill:drill", "Break the canary on purpose, and judge the rollback."),
    "rca": ("canary.cli.restart:rca", "File and review the root cause of a rollback."),
    "override": ("canary.cli.restart:override", "Give leave to start in spite of a rollback."),
}
"""Name, in the order of the help: where the command is, and its line of help."""

_USAGE = 2
_INTERRUPTED = 130


class Commands(click.Group):
    """A group that knows its commands by name and imports the chosen one only."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The table's names, in its order."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import the command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands by the table's lines, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command line: errors of usage and configuration are one line each and exit 2."""
        extra["standalone_mode"] = False
        try:
            status = super().main(*args, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            status = _USAGE
        except click.ClickException as error:
            click.echo(f"{_spoken(error)}: {error.format_message()}", err=True)
            status = _USAGE
        except PolicyError as error:
            click.echo(str(error), err=True)
            status = _USAGE
        except (click.Abort, KeyboardInterrupt):
            click.echo("canary: interrupted", err=True)
            status = _INTERRUPTED
        sys.exit(status if isinstance(status, int) else 0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="canary", prog_name="canary")
def canary() -> None:
    """Release a new model version to customers, stage by stage, with honest statistics."""


def main() -> None:
    """Run the console script."""
    canary.main(prog_name="canary")


def _spoken(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "canary"


if __name__ == "__main__":
    main()
