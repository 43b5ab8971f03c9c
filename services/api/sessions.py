"""What the API tier keeps of a unit in Redis: its assignment, its conversation, the kill switch.

Redis failing never fails a turn: this task remembers the records it handled last, and says when it
remembers nothing either.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnectionError
from redis.exceptions import RedisError

from canary.routing.assignment import PIN_SECONDS, Assignment
from services.api.settings import Settings

__all__ = ["Message", "Session", "Sessions", "connect"]

KEPT_SECONDS = PIN_SECONDS
KEPT_MESSAGES = 20
REMEMBERED_UNITS = 20_000
TIMEOUT_SECONDS = 0.5
_FLAG = "canary_active"
_BANDITS = "bandits"
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
    cached: bool = False
    """Whether Redis had the unit's assignment: a hit of the cache."""
    bandits: str | None = None
    """What is served of the bandits, as it is published."""
    decided: str | None = None
    """The arms that bandits chose for the conversation, as `save` was given them."""

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
    """The units' sessions in Redis, and this task's memory of the last of them."""

    def __init__(self, cache: redis.asyncio.Redis) -> None:
        self._cache = cache
        self._claim = cache.register_script(_CLAIM)
        self._memory: OrderedDict[str, Assignment] = OrderedDict()
        self._failing = False

    async def read(self, unit_id: str, conversation_id: str = "") -> Session:
        """Flag, assignment and history in one round trip; of a conversation its bandits too."""
        pipeline = self._cache.pipeline(transaction=False)
        keys = [_BANDITS, _decided_key(conversation_id)] if conversation_id else []
        pipeline.mget(_FLAG, *keys)
        pipeline.get(_assignment_key(unit_id))
        pipeline.lrange(_history_key(unit_id), -KEPT_MESSAGES, -1)
        try:
            flags, record, history = await pipeline.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._failed("read", error)
            remembered = self._memory.get(unit_id)
            return Session(record=remembered, lost=remembered is None)
        self._failing = False
        kept = _record(record)
        flag, bandits, decided = flags if keys else (*flags, None, None)
        return Session(
            record=kept,
            flag=None if flag is None else flag == "true",
            history=tuple(filter(None, map(_message, history))),
            cached=kept is not None,
            bandits=bandits,
            decided=decided,
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
        decided: tuple[str, str] | None = None,
    ) -> None:
        """Store the record and add `messages` to the history, in one round trip.

        `decided` is a conversation and what its bandits chose.
        """
        self._remember(record)
        pipeline = self._cache.pipeline(transaction=False)
        pipeline.set(_assignment_key(record.unit_id), record.to_json(), ex=KEPT_SECONDS)
        if decided:
            pipeline.set(_decided_key(decided[0]), decided[1], ex=KEPT_SECONDS)
        if messages:
            key = _history_key(record.unit_id)
            pipeline.rpush(key, *(json.dumps(message.__dict__) for message in messages))
            pipeline.ltrim(key, -KEPT_MESSAGES, -1)
            pipeline.expire(key, KEPT_SECONDS)
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
        if not self._failing:
            _log.warning("redis: cannot %s sessions: %s", what, error)
        self._failing = True


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


def _decided_key(conversation_id: str) -> str:
    return f"bandit:decided:{conversation_id}"


def _history_key(unit_id: str) -> str:
    return f"chat:history:{unit_id}"
