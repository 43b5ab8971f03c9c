"""`canary page`: the status page of a deployed region, read with the caller's own credentials.

The bucket stays private and holds the one document; the page's files come from this package.
"""

from __future__ import annotations

import threading
from typing import Any

import click

from canary.cli.stack_outputs import stack_output

__all__ = ["page"]

OUTPUT = "DashboardBucket"
_DEFAULT_PORT = 8765


@click.command()
@click.option("--region", required=True, help="The region whose page is shown.")
@click.option("--port", default=_DEFAULT_PORT, show_default=True, help="0 for any free one.")
@click.option("--bucket", help="The dashboard's bucket; by default the stack's output names it.")
def page(region: str, port: int, bucket: str | None) -> None:
    """Show the region's status page at an address of this machine, until Ctrl-C.

    Needs s3:GetObject on dashboard.json, and cloudformation:DescribeStacks without --bucket.
    """
    from canary.aws.clients import client
    from canary.local.live_page import LivePage, PortInUseError

    name = bucket or stack_output(client("cloudformation", region=region), region, OUTPUT)
    s3 = client("s3", region=region)
    try:
        served = LivePage(port, {"dashboard.json": lambda: document(s3, name)})
    except PortInUseError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{region}: {served.url} (Ctrl-C ends it)")
    try:
        wait()
    finally:
        served.close()


def wait() -> None:
    """Until Ctrl-C."""
    threading.Event().wait()


def document(s3: Any, bucket: str) -> bytes | None:
    """`dashboard.json` as it is now; None when the caller may not read it, or it is not there."""
    from botocore.exceptions import BotoCoreError, ClientError

    from canary.aws.dashboard import KEY

    try:
        return bytes(s3.get_object(Bucket=bucket, Key=KEY)["Body"].read())
    except (ClientError, BotoCoreError) as error:
        click.echo(f"canary page: s3://{bucket}/{KEY}: {error}", err=True)
        return None
