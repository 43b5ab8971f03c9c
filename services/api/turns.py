"""One turn of a conversation: who answers it, what is tried, what is counted and written down.

The drawn arm is asked once. When it does not answer, control is asked once more, so that the
customer is served; the turn stays in the arm drawn, with its error.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import mmh3

from canary.aws import clock
from canary.quality.privacy.redaction import redact_turn
from canary.routing.assignment import Assignment, Resolution, confirm, needs_draw, resolve
from services.api import events
from services.api.assignments import AssignmentFeed
from services.api.counters import Counters
from services.api.gateway_client import Attempt, GatewayClient
from services.api.intents import IntentClassifier
from services.api.sessions import Message, Session, Sessions
from services.api.traces import Step, Traces, segment, traced

__all__ = ["Question", "Reply", "Turns"]


@dataclass(frozen=True)
class Question:
    """What a customer says. The unit of every test is the customer, else the session's cookie."""

    session_id: str
    customer_id: str | None
    conversation_id: str
    message: str
    trace: str = ""
    """The load balancer's X-Amzn-Trace-Id, for a sampled trace."""

    @property
    def unit_id(self) -> str:
        """Who is randomised."""
        return self.customer_id or self.session_id


@dataclass(frozen=True)
class Reply:
    """What the customer gets: an answer, or the failure of the last attempt."""

    resolution: Resolution
    turn: int
    attempt: Attempt


class Turns:
    """Serves turns; holds the connections they need."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        feed: AssignmentFeed,
        intents: IntentClassifier,
        gateway: GatewayClient,
        counters: Counters,
        traces: Traces,
        region: str,
    ) -> None:
        self._sessions = sessions
        self._feed = feed
        self._intents = intents
        self._gateway = gateway
        self._counters = counters
        self._traces = traces
        self._region = region

    async def serve(self, question: Question) -> Reply:
        """Answer one turn and write its event, answered or not."""
        started, times = clock.monotonic(), [clock.now()]
        session, intent = await asyncio.gather(
            self._sessions.read(question.unit_id), self._intents.classify(question.message)
        )
        times.append(clock.now())
        before = session.conversation(question.conversation_id)
        turn = before[-1].turn + 1 if before else 1
        resolution = await self._resolve(question, session, intent)
        attempts = await self._ask(question, before, turn, resolution, intent)
        times.append(clock.now())
        first, last = attempts[0], attempts[-1]
        if first.arm is not None:
            resolution = confirm(
                resolution,
                self._feed.view,
                conversation_id=question.conversation_id,
                served_by=first.arm,
                now=clock.now(),
            )
        said = (
            Message("user", question.message, question.conversation_id, turn),
            Message("assistant", last.text, question.conversation_id, turn),
        )
        await self._sessions.save(resolution.record, said if last.answered else ())
        times.append(clock.now())
        latency_ms = clock.request_ms(started, sum(attempt.model_ms for attempt in attempts))
        self._write(
            question,
            resolution,
            attempts,
            turn,
            intent=intent,
            latency_ms=latency_ms,
            cache_hit=session.cached,
        )
        self._trace(question, resolution, attempts, turn, times, intent=intent)
        return Reply(resolution, turn, last)

    async def _resolve(self, question: Question, session: Session, intent: str) -> Resolution:
        """The arm of this turn; a new draw is claimed, so that a unit is drawn once."""
        view, now = self._feed.view, clock.now()
        about: dict[str, Any] = {
            "conversation_id": question.conversation_id,
            "now": now,
            "flag": session.flag,
        }
        drawn = None
        if needs_draw(session.record, view, **about):
            drawn = await self._gateway.draw()
        about |= {"unit_id": question.unit_id, "intent": intent}
        resolution = resolve(session.record, view, **about, drawn=drawn, session_lost=session.lost)
        if not resolution.first_of_unit:
            return resolution
        held = await self._sessions.claim(resolution.record)
        if held == resolution.record:
            self._write_assignment(question, resolution.record, now)
            return resolution
        return resolve(held, view, **about)

    async def _ask(
        self,
        question: Question,
        before: tuple[Message, ...],
        turn: int,
        resolution: Resolution,
        intent: str,
    ) -> list[Attempt]:
        """The attempts, at most two; the second is control's, unless control timed out already."""
        messages = [{"role": m.role, "text": m.text} for m in before]
        messages.append({"role": "user", "text": question.message})
        about: dict[str, Any] = {
            "conversation_id": question.conversation_id,
            "turn": turn,
            "intent": intent,
        }
        first = await self._gateway.converse(resolution.serve, messages, attempt=1, **about)
        waited_enough = first.outcome == "timeout" and resolution.serve == "control"
        if first.answered or waited_enough:
            return [first]
        return [first, await self._gateway.converse("control", messages, attempt=2, **about)]

    def _write(
        self,
        question: Question,
        resolution: Resolution,
        attempts: list[Attempt],
        turn: int,
        *,
        intent: str,
        latency_ms: float,
        cache_hit: bool,
    ) -> None:
        now, parameter = clock.now(), self._feed.view.parameter
        first, last = attempts[0], attempts[-1]
        throttled = first.outcome == "throttled"
        slow = bool(parameter and 0 < parameter.slow_ms < latency_ms)
        record, counted = resolution.record, resolution.arm is not None
        p_canary = record.p_canary if counted else None
        self._counters.record(
            resolution.serve,
            now,
            p_canary=p_canary,
            error=first.failed,
            slow=slow,
            throttled=throttled,
        )
        active = parameter is not None and parameter.active
        sampled = counted and last.answered and self._sampled(question.conversation_id, turn)
        events.write_event(
            {
                **events.envelope("turn", now, self._region),
                "release_id": parameter.release_id if parameter and active else None,
                "test_id": record.test_id if counted else None,
                "stage": record.stage if counted else None,
                "conversation_id": question.conversation_id,
                "unit_id": question.unit_id,
                "stratum": record.stratum if counted else None,
                "intent": intent,
                "arm": resolution.arm,
                "p_canary": p_canary,
                "served_by": last.arm if last.answered else None,
                "model_id": last.model_id if last.answered else None,
                "turn": turn,
                "first_of_unit": resolution.first_of_unit,
                "status": last.outcome,
                "error_flag": first.failed,
                "error": first.failed,
                "throttled": throttled,
                "fallback": len(attempts) > 1
                or resolution.reassigned_reason == "canary_unavailable",
                "latency_ms": round(latency_ms, 1),
                "slow": slow,
                "input_tokens": last.input_tokens,
                "output_tokens": last.output_tokens,
                "token_count": (last.input_tokens or 0) + (last.output_tokens or 0),
                "cache_hit": cache_hit,
                "policy_version": record.policy_version if counted else None,
                "reassigned_reason": resolution.reassigned_reason,
                "sampled": sampled,
                **(_redacted(question.message, last.text) if sampled else {}),
            }
        )

    def _write_assignment(self, question: Question, record: Assignment, now: float) -> None:
        """Write down the draw, by whoever made it; what is said of a unit twice is one event."""
        parameter = self._feed.view.parameter
        same = events.same_id("assignment", record.test_id, record.unit_id, record.assigned_at)
        events.write_event(
            {
                **events.envelope("assignment", now, self._region, same),
                "release_id": parameter.release_id if parameter and parameter.active else None,
                "test_id": record.test_id,
                "stage": record.stage,
                "stratum": record.stratum,
                "arm": record.arm,
                "p_canary": record.p_canary,
                "conversation_id": question.conversation_id,
                "unit_id": question.unit_id,
                "policy_version": record.policy_version,
            }
        )

    def _trace(
        self,
        question: Question,
        resolution: Resolution,
        attempts: list[Attempt],
        turn: int,
        times: list[float],
        *,
        intent: str,
    ) -> None:
        """Show where a sampled turn's time went; `times` are the ends of its steps."""
        if not traced(question.conversation_id, turn):
            return
        names = ("session and intent", "arm and model", "save")
        steps = [
            Step(name, begun, ended)
            for name, begun, ended in zip(names, times[:-1], times[1:], strict=True)
        ]
        first, parameter = attempts[0], self._feed.view.parameter
        annotations: dict[str, str | int | None] = {
            "arm": resolution.arm,
            "intent": intent,
            "status": attempts[-1].outcome,
            "attempts": len(attempts),
            "release_id": parameter.release_id if parameter and parameter.active else None,
        }
        throttled = first.outcome == "throttled"
        self._traces.add(
            segment(
                question.trace,
                question.conversation_id,
                turn,
                steps,
                annotations,
                fault=first.failed,
                throttle=throttled,
            )
        )

    def _sampled(self, conversation_id: str, turn: int) -> bool:
        """Whether the detector reads this turn: by a hash, at the rate in force, in both arms."""
        parameter = self._feed.view.parameter
        place = mmh3.hash(f"sample:{conversation_id}:{turn}", signed=False) / 2**32
        return parameter is not None and place < parameter.sampling


def _redacted(question: str, answer: str) -> dict[str, str]:
    """What a sampled turn's line says of its words: nothing that points to a person."""
    asked, answered = redact_turn(question, answer)
    return {"question": asked, "text": answered}
