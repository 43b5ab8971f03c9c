"""What the SDK's errors mean to a person who operates a release, and how to mend them."""

from __future__ import annotations

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

__all__ = ["explained"]

_SIGN_IN = "sign in (`aws sso login`), or name a profile (--profile, AWS_PROFILE)"
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEY = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException"}
)
_ABSENT = frozenset({"ResourceNotFoundException", "ParameterNotFound", "StateMachineDoesNotExist"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def explained(error: Exception, region: str) -> str:
    """One line: what was wrong, and what to do about it; `region` is empty for the SDK's own."""
    if isinstance(error, NoRegionError):
        return "no region: give --region, or set AWS_REGION"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return f"no credentials: {_SIGN_IN}"
    if isinstance(error, ProfileNotFound):
        return f"{error}; `aws configure list-profiles` names those there are"
    if isinstance(error, EndpointConnectionError):
        return f"{error}: is {region or 'the region'} a region, and is there a network?"
    if isinstance(error, ClientError):
        return _answered(error, region or "this region")
    return str(error)


def _answered(error: ClientError, where: str) -> str:
    code = error.response["Error"].get("Code", "")
    message = error.response["Error"].get("Message") or str(error)
    if code in _EXPIRED:
        return f"the credentials have expired: {_SIGN_IN}"
    if code in _UNKNOWN_KEY:
        return f"the credentials are not accepted ({message}): {_SIGN_IN}"
    if code in _ABSENT:
        return (
            f"{message.rstrip('.')}: nothing of canary is deployed to {where}, or only a part. "
            f"Deploy it (`cdk deploy '{where}/*'`), or give another --region"
        )
    if code in _DENIED:
        return f"{message.rstrip('.')}: the operator's role lacks this permission"
    return message
