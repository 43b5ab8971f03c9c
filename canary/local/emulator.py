"""The AWS endpoint of an embedded region: moto's server, mended, on a port of this machine.

Nothing here can reach a real account: the user's AWS settings are taken out of this process and
are never given to a child, the credentials are invented, and every client has the endpoint.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from importlib import metadata
from typing import Any, Literal

import boto3
from botocore.config import Config

__all__ = [
    "ACCOUNT",
    "FUNCTION_KEY",
    "MOTO_VERSION",
    "TASK_KEY",
    "Caller",
    "Emulator",
    "WrongMotoError",
]

MOTO_VERSION = "5.2.5"
"""The one version whose private parts the patches of this package know."""

ACCOUNT = "123456789012"
TASK_KEY = "ASIACANARYTASK000000"
FUNCTION_KEY = "ASIACANARYFUNCTION00"
_KEPT_ERRORS = 50
_SECRET = "emulated"  # noqa: S105 - no account has it
_REGION_KEY = "ASIACANARYREGION0000"

Caller = Literal["task", "function", "region"]
_KEYS: dict[Caller, str] = {"task": TASK_KEY, "function": FUNCTION_KEY, "region": _REGION_KEY}


class WrongMotoError(RuntimeError):
    """Another moto than the pinned one is installed."""


def check_moto_version() -> None:
    """Raise `WrongMotoError` unless exactly the pinned moto is installed."""
    found = metadata.version("moto")
    if found != MOTO_VERSION:
        raise WrongMotoError(
            f"the embedded region needs moto {MOTO_VERSION} and found {found}: run `make setup`"
        )


class _Keeper(logging.Handler):
    """Keeps log records as text."""

    def __init__(self, kept: deque[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self._kept.append(self.format(record))


class Emulator:
    """moto's server in this process. Start it once; everything it holds ends with it."""

    def __init__(self, region: str) -> None:
        check_moto_version()
        self.region = region
        self.errors: deque[str] = deque(maxlen=_KEPT_ERRORS)
        """What moto failed at, each with its trace: an HTTP 500 for the caller."""
        self._server: Any = None
        self._saved: dict[str, str | None] = {}
        self._session: boto3.session.Session | None = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self.elsewhere: dict[str, str] = {}
        """Services that another process of the region answers for: SDK service id to URL."""

    @property
    def endpoint(self) -> str:
        """The URL every AWS client of the region uses. Raises `RuntimeError` before `start`."""
        if self._server is None:
            raise RuntimeError("the emulator is not running: there is no endpoint to call")
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def start(self) -> None:
        """Listen on an ephemeral port, then point this process's AWS settings at it."""
        from moto.core.config import default_user_config
        from moto.server import ThreadedMotoServer

        default_user_config["stepfunctions"]["execute_state_machine"] = True
        default_user_config["lambda"]["use_docker"] = True
        self._quiet()
        _forget_everything()
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        self._server = server
        self._set_environment()

    def stop(self) -> None:
        """Stop listening, forget all state, and give this process its AWS settings back."""
        if self._server is None:
            return
        self._server.stop()
        self._server = None
        self._clients.clear()
        for name, value in self._saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._saved.clear()
        _forget_everything()

    def child_environment(self, caller: Caller) -> dict[str, str]:
        """The AWS settings of a child process, and the few others any process needs.

        Raises `RuntimeError` before `start`: without an endpoint nothing is started.
        """
        inherited = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
        keep = {name: os.environ[name] for name in inherited if name in os.environ}
        return keep | self._settings(caller)

    def client(self, service: str, region: str = "") -> Any:
        """A boto3 client of the region, or of another, one each, safe to share between threads."""
        key = (service, region or self.region)
        with self._lock:
            if self._session is None:
                self._session = boto3.session.Session()
            if key not in self._clients:
                self._clients[key] = self._session.client(
                    service,
                    region_name=key[1],
                    endpoint_url=self.endpoint,
                    aws_access_key_id=_REGION_KEY,
                    aws_secret_access_key=_SECRET,
                    config=Config(
                        retries={"total_max_attempts": 1},
                        max_pool_connections=32,
                        connect_timeout=5,
                        read_timeout=900,
                    ),
                )
            return self._clients[key]

    def _quiet(self) -> None:
        """No request lines on the terminal; what moto could not answer is kept in `errors`."""
        for name in ("moto", "werkzeug"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.ERROR)
            logger.propagate = False
            logger.handlers = [_Keeper(self.errors)]

    def settings_line(self) -> str:
        """What a person sets before a command that is to reach this region; any key does."""
        return (
            f"AWS_ENDPOINT_URL={self.endpoint} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any "
            f"AWS_DEFAULT_REGION={self.region}"
        )

    def _settings(self, caller: Caller) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": _KEYS[caller],
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **{f"AWS_ENDPOINT_URL_{name}": url for name, url in self.elsewhere.items()},
        }

    def _set_environment(self) -> None:
        port = self.endpoint.rsplit(":", 1)[1]
        wanted = self._settings("region") | {
            "MOTO_PORT": port,
            # Nobody starts a machine image here; reading them all costs each region half a second.
            "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",
        }
        for name in {name for name in os.environ if name.startswith("AWS_")} | wanted.keys():
            self._saved[name] = os.environ.pop(name, None)
        os.environ.update(wanted)
        boto3.DEFAULT_SESSION = None


def _forget_everything() -> None:
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()
