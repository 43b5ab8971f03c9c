"""The few AWS calls that every turn makes, sent by aiohttp itself instead of the SDK's machinery.

The SDK makes the request and reads nothing: its own `before-call` event lets a handler answer in
its place. Callers see the SDK's client and its errors, and every other call stays the SDK's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiobotocore.response import StreamingBody
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from yarl import URL

from canary.aws import clock
from canary.aws.signing import sign

__all__ = ["answered_directly"]

_FIRST_FAILURE = 300
_UNKNOWN = "UnknownError"
_STANDARD_PORTS = {"http": 80, "https": 443}


@contextlib.asynccontextmanager
async def answered_directly(client: Any, operation: str, credentials: Any) -> AsyncIterator[None]:
    """While this lasts, aiohttp itself sends every `operation` (`Converse`) of `client`.

    For POST operations of an aiobotocore client whose answer is a JSON object (`rest-json`) or a
    stream. The time-outs are the client's; there is no retry. `credentials` are aiobotocore's,
    which renew themselves.
    """
    config = client.meta.config
    timeout = aiohttp.ClientTimeout(
        sock_connect=config.connect_timeout, sock_read=config.read_timeout
    )
    connector = aiohttp.TCPConnector(limit=config.max_pool_connections)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        calls = _DirectCalls(client, session, credentials)
        service = client.meta.service_model.service_id.hyphenize()
        event = f"before-call.{service}.{operation}"
        client.meta.events.register(event, calls.answer)
        try:
            yield
        finally:
            client.meta.events.unregister(event, calls.answer)


class _DirectCalls:
    """Sends what the SDK has made of a call, and answers as the SDK would."""

    def __init__(self, client: Any, session: aiohttp.ClientSession, credentials: Any) -> None:
        self._session = session
        self._credentials = credentials
        self._region = str(client.meta.region_name)
        self._service = str(client.meta.service_model.signing_name)

    async def answer(self, model: Any, params: Mapping[str, Any], **_: Any) -> tuple[Any, Any]:
        """The HTTP response and the parsed answer of one call, as `before-call` takes them.

        Raises botocore's `ConnectTimeoutError`, `ReadTimeoutError` and `EndpointConnectionError`.
        """
        url = str(params["url"])
        try:
            response = await self._send(url, params)
            if model.has_streaming_output and response.status < _FIRST_FAILURE:
                body: Any = StreamingBody(response, response.headers.get("Content-Length"))
                parsed = {model.output_shape.serialization["payload"]: body}
            else:
                parsed = _parsed(response, await response.read())
        except aiohttp.ConnectionTimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=url, error=error) from error
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=url, error=error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise EndpointConnectionError(endpoint_url=url, error=error) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        parsed["ResponseMetadata"] = {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": response.status,
            "HTTPHeaders": headers,
            "RetryAttempts": 0,
        }
        return AWSResponse(url, response.status, headers, None), parsed

    async def _send(self, url: str, params: Mapping[str, Any]) -> aiohttp.ClientResponse:
        parts, body = urlsplit(url), bytes(params["body"])
        standard = parts.port in (None, _STANDARD_PORTS.get(parts.scheme))
        held = await self._credentials.get_frozen_credentials()
        headers = sign(
            params["headers"],
            host=str(parts.hostname) if standard else f"{parts.hostname}:{parts.port}",
            path=parts.path,
            body=body,
            at=clock.now(),
            region=self._region,
            service=self._service,
            access_key=held.access_key,
            secret_key=held.secret_key,
            token=held.token,
        )
        return await self._session.post(URL(url, encoded=True), data=body, headers=headers)


def _parsed(response: aiohttp.ClientResponse, raw: bytes) -> dict[str, Any]:
    """The answer's JSON; of a failure the SDK's `Error`, from header or body."""
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    if response.status < _FIRST_FAILURE:
        return body
    code = str(response.headers.get("x-amzn-errortype") or body.get("__type") or _UNKNOWN)
    message = str(body.get("message") or body.get("Message") or "")
    return {"Error": {"Code": code.partition(":")[0].rpartition("#")[2], "Message": message}}
