"""What the API tier keeps of a unit in Redis: its assignment, its conversation, the kill switch.

Redis failing never fails a turn: this task remembers the records it handled last, and says when it
remembers nothing either.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import RedisError

from canary.aws import clock
from canary.routing.assignment import PIN_SECONDS, Assignment
from services.api.answers import KEPT_SECONDS as ANSWER_SECONDS
from services.api.limits import TooManyRequestsError, minute_of
from services.api.settings import Settings

__all__ = ["Message", "Session", "Sessions", "connect"]

KEPT_SECONDS = PIN_SECONDS
KEPT_MESSAGES = 20
REMEMBERED_UNITS = 20_000
COUNTED_SECONDS = 120
TIMEOUT_SECONDS = 0.5
_FLAG = "canary_active"
_CLAIM = """
local held = redis.call('GET', KEYS[1])
if held then
  local readable, record = pcall(cjson.decode, held)
  if readable and record.test_id == ARGV[2] and type(record.arm) == 'string'
      and type(record.assigned_at) == 'number' and record.assigned_at > tonumber(ARGV[3]) then
    return held
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
return ARGV[1]
"""

_log = logging.getLogger("canary.api")


@dataclass(frozen=True)
class Message:
    """One message of a conversation; a turn is the customer's and the answer to it."""

    role: str
    text: str
    conversation_id: str
    turn: int


@dataclass(frozen=True)
class Session:
    """What is known of a unit. `flag` is the kill switch, None when it is absent.

    `lost` means that Redis did not answer and this task remembers nothing of the unit.
    """

    record: Assignment | None = None
    flag: bool | None = None
    history: tuple[Message, ...] = ()
    lost: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    """What is kept under the names of answers that were asked for."""

    def conversation(self, conversation_id: str) -> tuple[Message, ...]:
        """The messages of one conversation, the oldest first."""
        return tuple(m for m in self.history if m.conversation_id == conversation_id)


def connect(settings: Settings) -> redis.asyncio.Redis:
    """A client with time-outs of half a second: a slow cache must not make a slow answer.

    A lost connection is made anew once, at once; the library's own patience is for batch jobs.
    """
    secret = settings.cache_secret
    password = json.loads(secret)["password"] if secret.startswith("{") else secret
    return redis.asyncio.Redis(
        host=settings.cache_host,
        port=int(settings.cache_port),
        ssl=settings.cache_tls == "true",
        username=(settings.cache_user or None) if password else None,
        password=password or None,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(LostConnectionError,)),
        decode_responses=True,
    )


class Sessions:
    """The units' sessions in Redis, and this task's memory of the last of them.

    A unit has `limit` requests a minute, over all tasks; nobody counts while Redis is down.
    """

    def __init__(self, cache: redis.asyncio.Redis, limit: int) -> None:
        self._cache = cache
        self._limit = limit
        self._claim = cache.register_script(_CLAIM)
        self._memory: OrderedDict[str, Assignment] = OrderedDict()
        self.failing = False
        """Whether Redis did not answer the last time that it was asked."""

    async def read(self, unit_id: str, answers: Sequence[str] = ()) -> Session:
        """Flag, assignment, history and `answers`, and the request counted, in one round trip.

        Raises `TooManyRequestsError`.
        """
        minute, left = minute_of(clock.now())
        counted = f"chat:rate:{unit_id}:{minute}"
        pipeline = self._cache.pipeline(transaction=False)
        pipeline.mget(_FLAG, _assignment_key(unit_id), *answers)
        pipeline.lrange(_history_key(unit_id), -KEPT_MESSAGES, -1)
        pipeline.incr(counted)
        pipeline.expire(counted, COUNTED_SECONDS)
        try:
            (flag, record, *found), history, requests, _ = await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._failed("read", error)
            remembered = self._memory.get(unit_id)
            return Session(record=remembered, lost=remembered is None)
        self.failing = False
        if requests > self._limit:
            raise TooManyRequestsError(self._limit, left)
        return Session(
            record=_record(record),
            flag=None if flag is None else flag == "true",
            history=tuple(filter(None, map(_message, history))),
            answers={key: text for key, text in zip(answers, found, strict=True) if text},
        )

    async def claim(self, record: Assignment) -> Assignment:
        """Store a fresh draw unless another turn drew the unit first; the one that counts."""
        keys = [_assignment_key(record.unit_id)]
        assigned_at = record.assigned_at or 0.0
        arguments: list[str | int | float] = [
            record.to_json(),
            record.test_id or "",
            assigned_at - PIN_SECONDS,
            KEPT_SECONDS,
        ]
        try:
            held = await self._claim(keys=keys, args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed("claim", error)
            return record
        return _record(held) or record

    async def save(
        self,
        record: Assignment,
        messages: Sequence[Message],
        answer: tuple[str, str] | None = None,
    ) -> None:
        """Store the record, add `messages` to the history, keep an answer under its name.

        In one round trip.
        """
        self._remember(record)
        pipeline = self._cache.pipeline(transaction=False)
        pipeline.set(_assignment_key(record.unit_id), record.to_json(), ex=KEPT_SECONDS)
        if messages:
            key = _history_key(record.unit_id)
            pipeline.rpush(key, *(json.dumps(message.__dict__) for message in messages))
            pipeline.ltrim(key, -KEPT_MESSAGES, -1)
            pipeline.expire(key, KEPT_SECONDS)
        if answer:
            pipeline.set(*answer, ex=ANSWER_SECONDS)
        try:
            await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._failed("save", error)

    def _remember(self, record: Assignment) -> None:
        self._memory[record.unit_id] = record
        self._memory.move_to_end(record.unit_id)
        if len(self._memory) > REMEMBERED_UNITS:
            self._memory.popitem(last=False)

    def _failed(self, what: str, error: Exception) -> None:
        if not self.failing:
            _log.warning("redis: cannot %s sessions: %s", what, error)
        self.failing = True


def _record(text: Any) -> Assignment | None:
    """A stored record; one that nobody can read is as good as none."""
    if not text:
        return None
    try:
        return Assignment.from_json(text)
    except (ValueError, KeyError, TypeError):
        _log.warning("redis: unreadable assignment record, ignored")
        return None


def _message(text: str) -> Message | None:
    """A stored message; another version's, while a deployment runs, is as good as none."""
    try:
        return Message(**json.loads(text))
    except (ValueError, TypeError):
        _log.warning("redis: unreadable message, ignored")
        return None


def _assignment_key(unit_id: str) -> str:
    return f"ab:session:{unit_id}"


def _history_key(unit_id: str) -> str:
    return f"chat:history:{unit_id}"
