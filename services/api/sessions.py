"""What the API tier keeps of a unit in Redis: its assignment, its conversation, the kill switch.

One round trip before the model reads all of it, and stores a first draw in the same step; one after
it stores what came of the turn. Redis failing never fails a turn, nor delays it by more than half a
second each time: this task remembers the records it handled last, and says when it remembers
nothing either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from cachetools import LRUCache
from redis.exceptions import RedisError

from canary.aws import clock
from canary.routing.assignment import PIN_SECONDS, Assignment
from canary.routing.merging import merge
from services.api.answers import KEPT_SECONDS as ANSWER_SECONDS
from services.api.connections import Argument, Connections, Script
from services.api.limits import TooManyRequestsError, minute_of

__all__ = ["Message", "Session", "Sessions"]

KEPT_SECONDS = PIN_SECONDS
KEPT_MESSAGES = 20
REMEMBERED_UNITS = 20_000
COUNTED_SECONDS = 120
TIMEOUT_SECONDS = 0.5
SAVE_ATTEMPTS = 5
"""Turns of one unit that end together are merged one after the other; the last attempt gives way
to none. A conversation that is overtaken so often is drawn by the same record, only unnoted."""
_FLAG = "canary_active"
_BANDITS = "bandits"
_READ = Script("""
local flag = redis.call('GET', KEYS[1])
local held = redis.call('GET', KEYS[2])
local requests = redis.call('INCR', KEYS[4])
redis.call('EXPIRE', KEYS[4], ARGV[5])
if requests > tonumber(ARGV[4]) then return {flag, held, 0, {}, requests} end
local created = 0
if not held and ARGV[2] ~= '' and flag ~= 'false' then
  redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
  created = 1
end
local found = {flag, held, created, redis.call('LRANGE', KEYS[3], ARGV[1], -1), requests}
for index = 5, #KEYS do found[index + 1] = redis.call('GET', KEYS[index]) end
return found
""")
"""Flag, assignment, history, answers, and the request counted; a unit without assignment gets the
one that is offered."""
_CLAIM = Script("""
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
""")
_SAVE = Script("""
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[2] and ARGV[3] == '0' then
  return held
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[4])
if #ARGV > 8 then
  for index = 9, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[index]) end
  redis.call('LTRIM', KEYS[2], ARGV[5], -1)
  redis.call('EXPIRE', KEYS[2], ARGV[4])
end
if ARGV[6] ~= '' then redis.call('SET', KEYS[3], ARGV[6], 'EX', ARGV[7]) end
if ARGV[8] ~= '' then redis.call('SET', KEYS[#KEYS], ARGV[8], 'EX', ARGV[4]) end
return false
""")
"""Assignment, messages, answer and what bandits chose, if the assignment is still the one that was
read; else that one."""

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

    `lost` means that Redis did not answer: the record is what this task remembers, or None.
    """

    record: Assignment | None = None
    flag: bool | None = None
    history: tuple[Message, ...] = ()
    lost: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    """What is kept under the names of answers that were asked for."""
    bandits: str | None = None
    """What is served of the bandits, as it is published."""
    decided: str | None = None
    """The arms that bandits chose for the conversation, as `save` was given them."""
    created: bool = False
    """Whether Redis had none, and took the one that was offered."""
    stored: str = ""
    """The assignment as Redis holds it; empty when it holds none, or could not be asked."""

    def conversation(self, conversation_id: str) -> tuple[Message, ...]:
        """The messages of one conversation, the oldest first."""
        return tuple(m for m in self.history if m.conversation_id == conversation_id)


class Sessions:
    """The units' sessions in Redis, and this task's memory of the last of them.

    A unit has `limit` requests a minute, over all tasks; nobody counts while Redis is down.
    """

    def __init__(self, cache: Connections, limit: int) -> None:
        self._cache = cache
        self._limit = limit
        self._memory: LRUCache[str, Assignment] = LRUCache(REMEMBERED_UNITS)
        self.failing = False
        """Whether Redis did not answer the last time that it was asked."""

    def remembered(self, unit_id: str) -> Assignment | None:
        """What this task stored of the unit last, whatever Redis has."""
        return self._memory.get(unit_id)

    async def read(
        self,
        unit_id: str,
        answers: Sequence[str] = (),
        *,
        offered: Assignment | None = None,
        conversation_id: str = "",
    ) -> Session:
        """Flag, assignment, history and `answers`; a unit without assignment is given `offered`.

        It is not while the flag says that the canary is inactive. Of a conversation what bandits
        serve and chose is read too. The request counts.

        Raises `TooManyRequestsError`.
        """
        minute, left = minute_of(clock.now())
        offer = _text(offered) if offered else ""
        own = (_assignment_key(unit_id), _history_key(unit_id), _rate_key(unit_id, minute))
        bandits = (_BANDITS, _decided_key(conversation_id)) if conversation_id else ()
        keys = [_FLAG, *own, *answers, *bandits]
        arguments = (-KEPT_MESSAGES, offer, KEPT_SECONDS, self._limit, COUNTED_SECONDS)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._cache.run(_READ, keys, arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed("read", error)
            return Session(record=self.remembered(unit_id), lost=True)
        self.failing = False
        flag, record, created, history, requests, *found = answer
        if requests > self._limit:
            raise TooManyRequestsError(self._limit, left)
        kept = offered if created else _record(record)
        served, decided = found[len(answers) :] if bandits else (None, None)
        return Session(
            record=kept or self.remembered(unit_id),
            flag=None if flag is None else flag == "true",
            history=tuple(filter(None, map(_message, history))),
            answers={key: text for key, text in zip(answers, found, strict=False) if text},
            bandits=served,
            decided=decided,
            created=bool(created),
            stored=offer if created else record or "",
        )

    async def claim(self, record: Assignment) -> tuple[Assignment, str] | None:
        """Store a fresh draw unless another turn drew the unit first; the one that counts.

        Also as Redis holds it. None when Redis does not say: then nobody was drawn.
        """
        keys = [_assignment_key(record.unit_id)]
        assigned_at = record.assigned_at or 0.0
        stands_from = assigned_at - PIN_SECONDS
        arguments = (_text(record), record.test_id or "", stands_from, KEPT_SECONDS)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                held = await self._cache.run(_CLAIM, keys, arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed("claim", error)
            return None
        return _record(held) or record, held

    async def save(
        self,
        record: Assignment,
        messages: Sequence[Message] = (),
        answer: tuple[str, str] | None = None,
        *,
        conversation_id: str,
        stored: str,
        decided: str | None = None,
    ) -> Assignment:
        """Store the record, add `messages` to the history, keep `answer` under its name.

        In one round trip; answers the record that is stored now.

        `stored` is what Redis held when the turn began. If that has changed, the turn's record and
        the other are merged. `decided` is what bandits chose for the conversation.
        """
        keys = [_assignment_key(record.unit_id), _history_key(record.unit_id)]
        name, text = answer or ("", "")
        keys += [name] if name else []
        keys += [_decided_key(conversation_id)] if decided else []
        said = [orjson.dumps(message.__dict__) for message in messages]
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                for attempt in range(1, SAVE_ATTEMPTS + 1):
                    force = int(attempt == SAVE_ATTEMPTS)
                    arguments: list[Argument] = [_text(record), stored, force]
                    arguments += [KEPT_SECONDS, -KEPT_MESSAGES, text, ANSWER_SECONDS]
                    arguments += [decided or "", *said]
                    held = await self._cache.run(_SAVE, keys, arguments)
                    if held is None:
                        break
                    other, stored = _record(held), held
                    record = merge(record, other, conversation_id) if other else record
        except (RedisError, OSError, TimeoutError) as error:
            self._failed("save", error)
        self._memory[record.unit_id] = record
        return record

    def _failed(self, what: str, error: Exception) -> None:
        if not self.failing:
            _log.warning("redis: cannot %s sessions: %s", what, error)
        self.failing = True


def _text(record: Assignment) -> str:
    """A record as it is stored."""
    return orjson.dumps(record).decode()


def _record(text: Any) -> Assignment | None:
    """A stored record; one that nobody can read is as good as none."""
    if not text:
        return None
    try:
        return Assignment.from_dict(orjson.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        _log.warning("redis: unreadable assignment record, ignored")
        return None


def _message(text: str) -> Message | None:
    """A stored message; another version's, while a deployment runs, is as good as none."""
    try:
        return Message(**orjson.loads(text))
    except (ValueError, TypeError):
        _log.warning("redis: unreadable message, ignored")
        return None


def _assignment_key(unit_id: str) -> str:
    return f"ab:session:{unit_id}"


def _history_key(unit_id: str) -> str:
    return f"chat:history:{unit_id}"


def _decided_key(conversation_id: str) -> str:
    return f"bandit:decided:{conversation_id}"


def _rate_key(unit_id: str, minute: int) -> str:
    return f"chat:rate:{unit_id}:{minute}"
