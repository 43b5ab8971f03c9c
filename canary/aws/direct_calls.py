"""The few AWS calls that every turn makes, sent by aiohttp itself instead of the SDK's machinery.

The SDK's client stays what callers have: its credentials, its endpoint, its errors. Only its method
of the one operation is replaced, and every other call stays the SDK's.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson
from aiobotocore.response import StreamingBody
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
    names = {api: method for method, api in client.meta.method_to_api_mapping.items()}
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept", "Accept-Encoding"),
    ) as session:
        setattr(client, names[operation], _DirectCall(client, operation, session, credentials))
        try:
            yield
        finally:
            delattr(client, names[operation])


class _DirectCall:
    """One operation: its request as the service's own model describes it, and the SDK's answers."""

    def __init__(
        self, client: Any, operation: str, session: aiohttp.ClientSession, credentials: Any
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._operation = operation
        self._exceptions = client.exceptions
        self._region = str(client.meta.region_name)
        self._service = str(client.meta.service_model.signing_name)
        self._url = str(client.meta.endpoint_url).rstrip("/")
        parts = urlsplit(self._url)
        standard = parts.port in (None, _STANDARD_PORTS.get(parts.scheme))
        self._host = str(parts.hostname) if standard else f"{parts.hostname}:{parts.port}"
        self._user_agent = str(client.meta.config.user_agent)
        model = client.meta.service_model.operation_model(operation)
        self._path = str(model.http["requestUri"])
        members = model.input_shape.members.items()
        where = {name: shape.serialization.get("location") for name, shape in members}
        self._in_path = [name for name, place in where.items() if place == "uri"]
        self._in_headers = {
            name: str(shape.serialization["name"]).lower()
            for name, shape in members
            if where[name] == "header"
        }
        self._payload = model.input_shape.serialization.get("payload", "")
        streams = model.has_streaming_output
        self._stream = model.output_shape.serialization["payload"] if streams else ""

    async def __call__(self, **params: Any) -> dict[str, Any]:
        """What the SDK's method answers.

        Raises botocore's `ClientError` of the service's kind, `ConnectTimeoutError`,
        `ReadTimeoutError` and `EndpointConnectionError`.
        """
        try:
            response = await self._send(params)
            if self._stream and response.status < _FIRST_FAILURE:
                body = StreamingBody(response, response.headers.get("Content-Length"))
                parsed: dict[str, Any] = {self._stream: body}
            else:
                parsed = _parsed(response, await response.read())
        except aiohttp.ConnectionTimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._url, error=error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        parsed["ResponseMetadata"] = {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": response.status,
            "HTTPHeaders": headers,
            "RetryAttempts": 0,
        }
        if response.status >= _FIRST_FAILURE:
            kind = self._exceptions.from_code(parsed["Error"]["Code"])
            raise kind(parsed, self._operation)
        return parsed

    async def _send(self, params: dict[str, Any]) -> aiohttp.ClientResponse:
        """Sign and send: members in path and headers go there, the others are the body's."""
        path = self._path
        for name in self._in_path:
            path = path.replace(f"{{{name}}}", _quoted(str(params.pop(name))))
        headers = {"content-type": "application/json", "user-agent": self._user_agent}
        for name, header in self._in_headers.items():
            if name in params:
                headers[header] = str(params.pop(name))
        body: bytes = params[self._payload] if self._payload else orjson.dumps(params)
        held = await self._credentials.get_frozen_credentials()
        signed = sign(
            headers,
            host=self._host,
            path=path,
            body=body,
            at=clock.now(),
            region=self._region,
            service=self._service,
            access_key=held.access_key,
            secret_key=held.secret_key,
            token=held.token,
        )
        return await self._session.post(_url(f"{self._url}{path}"), data=body, headers=signed)


@functools.lru_cache(maxsize=64)
def _url(text: str) -> URL:
    return URL(text, encoded=True)


@functools.lru_cache(maxsize=64)
def _quoted(member: str) -> str:
    """As the SDK writes a member in a path."""
    return quote(member, safe="-._~")


def _parsed(response: aiohttp.ClientResponse, raw: bytes) -> dict[str, Any]:
    """The answer's JSON; of a failure the SDK's `Error`, from header or body."""
    try:
        body = orjson.loads(raw) if raw else {}
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    if response.status < _FIRST_FAILURE:
        return body
    code = str(response.headers.get("x-amzn-errortype") or body.get("__type") or _UNKNOWN)
    message = str(body.get("message") or body.get("Message") or "")
    return {"Error": {"Code": code.partition(":")[0].rpartition("#")[2], "Message": message}}
