"""A bare hop: aiohttp takes a request, aiohttp passes it on, and nothing else happens."""

from __future__ import annotations

import argparse
import asyncio
import socket

import aiohttp
import uvloop
from aiohttp import web


async def serve(number: int, url: str) -> None:
    """Pass every request on to `url` until killed."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def forward(request: web.BaseRequest) -> web.StreamResponse:
            async with session.request(
                request.method,
                url + request.raw_path,
                data=await request.read(),
                headers={"Content-Type": request.content_type},
            ) as response:
                return web.Response(
                    status=response.status,
                    body=await response.read(),
                    content_type=response.content_type,
                )

        runner = web.ServerRunner(web.Server(forward, access_log=None))
        await runner.setup()
        await web.SockSite(runner, socket.socket(fileno=number), backlog=1024).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--to", required=True)
    options = parser.parse_args()
    uvloop.run(serve(options.fd, options.to))
