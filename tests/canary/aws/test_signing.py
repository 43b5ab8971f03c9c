"""Our signature is the SDK's, whatever is signed."""

from __future__ import annotations

import datetime as dt
from unittest.mock import patch

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from canary.aws.signing import sign

WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20)
VALUES = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=30)
PATHS = st.sampled_from(
    (
        "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
        "/endpoints/mangaassist-intent/invocations",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse",
        "/",
    )
)
MOMENTS = st.floats(0, 4e9)


@given(
    headers=st.dictionaries(WORDS.map(lambda word: f"X-{word}"), VALUES.map(str.strip), max_size=4),
    path=PATHS,
    host=st.sampled_from(("bedrock-runtime.us-east-1.amazonaws.com", "127.0.0.1:4566")),
    body=st.binary(max_size=200),
    at=MOMENTS,
    token=st.one_of(st.none(), WORDS),
    secret=WORDS,
)
def test_the_signature_is_the_sdks(
    *,
    headers: dict[str, str],
    path: str,
    host: str,
    body: bytes,
    at: float,
    token: str | None,
    secret: str,
) -> None:
    """Header by header, for any body, path, time and session token."""
    headers = {**{k.title(): v for k, v in headers.items()}, "User-Agent": "mangaassist-api"}
    request = AWSRequest("POST", f"http://{host}{path}", headers=dict(headers), data=body)
    moment = dt.datetime.fromtimestamp(at, tz=dt.UTC)
    with patch("botocore.auth.get_current_datetime", lambda: moment):
        SigV4Auth(Credentials("key", secret, token), "bedrock", "us-east-1").add_auth(request)
    mine = sign(
        headers,
        host=host,
        path=path,
        body=body,
        at=at,
        region="us-east-1",
        service="bedrock",
        access_key="key",
        secret_key=secret,
        token=token,
    )
    assert mine["authorization"] == request.headers["Authorization"]
    assert mine["x-amz-date"] == request.headers["X-Amz-Date"]
    assert mine.get("x-amz-security-token") == token
    assert mine["user-agent"] == "mangaassist-api"
