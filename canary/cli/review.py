"""`canary review`: the page for the person who approves the templates."""

from __future__ import annotations

from pathlib import Path

import click

from canary.review.assembly import Assembly, AssemblyError

__all__ = ["review"]

_directory = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("directory", type=_directory, default=Path("cdk.out"))
@click.option("--base", type=_directory, help="What is deployed now: say what would change.")
@click.option("--permissions", is_flag=True, help="Only who may do what, as in the reference.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write a file.")
def review(*, directory: Path, base: Path | None, permissions: bool, output: Path | None) -> None:
    """Review the templates in DIRECTORY: one Markdown page, the same for the same templates.

    It says per region the stages, weights and gates, the alarms, every permission, what is public,
    and the accepted findings; with --base, what would be replaced or deleted, and what that does to
    a release under way.
    """
    if base and permissions:
        raise click.UsageError("--permissions compares nothing: leave --base out")
    try:
        head = Assembly.read(directory)
        before = Assembly.read(base) if base else None
    except AssemblyError as error:
        raise click.ClickException(str(error)) from error
    page = _permissions(head) if permissions else _page(head, before)
    if output:
        output.write_text(page)
    else:
        click.echo(page, nl=False)


def _permissions(head: Assembly) -> str:
    from canary.review.permissions import permissions_page

    return permissions_page(head)


def _page(head: Assembly, base: Assembly | None) -> str:
    from canary.review.page import review_page
    from canary.review.schemas import SchemasMissingError, lint_schemas

    try:
        return review_page(head, base, schemas=lint_schemas)
    except SchemasMissingError as error:
        raise click.ClickException(str(error)) from error
