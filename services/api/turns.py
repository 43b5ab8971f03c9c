"""One turn of a conversation: who answers it, what is tried, what is counted and written down.

The drawn arm is asked once. When it does not answer, control is asked once more, so that the
customer is served; the turn stays in the arm drawn, with its error.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import mmh3

from canary.aws import clock
from canary.routing.assignment import Resolution, confirm, needs_draw, resolve
from services.api import draws, events
from services.api.answers import answer_key, fingerprint, repeatable, shareable
from services.api.assignments import AssignmentFeed
from services.api.counters import Counters
from services.api.gateway_client import Attempt, GatewayClient
from services.api.intents import IntentClassifier
from services.api.questions import Question, Reply
from services.api.retries import RetryBudget
from services.api.sessions import Message, Session, Sessions
from services.api.streaming import Relay
from services.api.traces import Step, Traces, segment, traced
from services.api.variants import Variant, Variants

__all__ = ["Turns"]


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
        cached: frozenset[str] = frozenset(),
    ) -> None:
        self._sessions = sessions
        self._feed = feed
        self._intents = intents
        self._gateway = gateway
        self._counters = counters
        self._traces = traces
        self._region = region
        self._cached_intents = cached
        self._retries = RetryBudget()
        self._variants = Variants()
        self._started: set[asyncio.Task[Reply]] = set()

    def start(self, question: Question, relay: Relay) -> asyncio.Task[Reply]:
        """Serve a turn that goes on to its end, and is counted, also when its customer is gone."""
        task = asyncio.create_task(self.serve(question, relay))
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return task

    async def finish(self) -> None:
        """Wait for the turns that were started."""
        await asyncio.gather(*self._started, return_exceptions=True)

    async def serve(self, question: Question, relay: Relay | None = None) -> Reply:
        """Answer one turn and write its event, answered or not; a `relay` is given the pieces.

        Raises `TooManyRequestsError`; such a request is no turn.
        """
        started, times = clock.monotonic(), [clock.now()]
        session, resolution, intent = await self._resolve(question)
        if resolution.first_of_unit:
            parameter = self._feed.view.parameter
            draws.write(resolution.record, question.conversation_id, parameter, self._region)
        self._retries.turn()
        times.append(clock.now())
        before = session.conversation(question.conversation_id)
        turn = before[-1].turn + 1 if before else 1
        parameter = self._feed.view.parameter
        active = parameter is not None and parameter.active
        release_arm = resolution.serve if active else None
        variant = self._variants.choose(
            session, question, intent=intent, release_arm=release_arm, now=clock.now()
        )
        # An answer under another wording is not this one's: only the plain wording shares any.
        plain = variant is None or not variant.instruction
        hit = self._cached(session, question, resolution, intent, turn) if plain else None
        attempts = (
            [hit]
            if hit
            else await self._ask(
                question, before, turn, resolution, intent=intent, relay=relay, variant=variant
            )
        )
        if hit and relay:
            relay.piece(hit.text)
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
        await self._sessions.save(
            resolution.record,
            said if last.answered else (),
            self._to_keep(question, attempts, intent, turn) if plain and not hit else None,
            conversation_id=question.conversation_id,
            stored=session.stored,
            decided=variant.kept if variant else None,
        )
        times.append(clock.now())
        latency_ms = clock.request_ms(started, sum(attempt.model_ms for attempt in attempts))
        self._write(
            question,
            resolution,
            attempts,
            turn,
            intent=intent,
            latency_ms=latency_ms,
            cache_hit=hit is not None,
            variant=variant,
        )
        self._trace(question, resolution, attempts, turn, times, intent=intent)
        return Reply(resolution, turn, last)

    def _names(self, question: Question) -> list[str]:
        """Under which names an answer may be kept: of either arm's model, the arm is not known."""
        parameter = self._feed.view.fresh(clock.now())
        print_of = fingerprint(question.message) if self._cached_intents else None
        if parameter is None or print_of is None:
            return []
        models = {parameter.control_model, parameter.canary_model} - {""}
        return [answer_key(model, print_of) for model in sorted(models)]

    def _cached(
        self,
        session: Session,
        question: Question,
        resolution: Resolution,
        intent: str,
        turn: int,
    ) -> Attempt | None:
        """What the arm's own model answered to this question before, or None."""
        model = resolution.record.model_version
        print_of = fingerprint(question.message)
        if not (model and print_of and repeatable(intent, turn, self._cached_intents)):
            return None
        text = session.answers.get(answer_key(model, print_of))
        return Attempt("ok", resolution.serve, model, text) if text else None

    def _to_keep(
        self, question: Question, attempts: list[Attempt], intent: str, turn: int
    ) -> tuple[str, str] | None:
        """The name and text of an answer that others may be given, or None.

        Just a first attempt's: what stood in for an arm is not its answer.
        """
        first, print_of = attempts[0], fingerprint(question.message)
        if first.outcome != "ok" or not first.model_id or not print_of:
            return None
        if not repeatable(intent, turn, self._cached_intents):
            return None
        if not shareable(question.message, first.text):
            return None
        return answer_key(first.model_id, print_of), first.text

    async def _resolve(self, question: Question) -> tuple[Session, Resolution, str]:
        """The unit's session, the arm of this turn, and what it is about.

        A unit that this task does not know may be drawn: what that depends on is found out first,
        and the draw is offered with the question what Redis holds, so that a first turn costs no
        second round trip. Of all others both are asked at once.
        """
        # Milliseconds: what is compared with what another task stored survives every JSON.
        about: dict[str, Any] = {
            "conversation_id": question.conversation_id,
            "now": round(clock.now(), 3),
            "unit_id": question.unit_id,
        }
        offered, fresh = self._sessions.remembered(question.unit_id), None
        classifying = asyncio.create_task(self._intents.classify(question.message))
        try:
            if offered is None:
                fresh = resolve(None, self._feed.view, **about, intent=await classifying)
                offered = fresh.record if fresh.first_of_unit else None
            session = await self._sessions.read(
                question.unit_id,
                self._names(question),
                offered=offered,
                conversation_id=question.conversation_id,
            )
            intent = await classifying
        finally:
            classifying.cancel()
        if session.created and fresh:
            return session, fresh, intent
        about |= {"intent": intent, "flag": session.flag}
        return (*await self._continue(session, about), intent)

    async def _continue(
        self, session: Session, about: dict[str, Any]
    ) -> tuple[Session, Resolution]:
        """The arm of a unit that Redis knows, or that could not be drawn at once."""
        view, drawn = self._feed.view, None
        known = {name: about[name] for name in ("conversation_id", "now", "flag")}
        if not session.lost and needs_draw(session.record, view, **known):
            drawn = await self._gateway.draw()
        lost = session.lost and session.record is None
        resolution = resolve(session.record, view, **about, drawn=drawn, session_lost=lost)
        if not resolution.first_of_unit:
            return session, resolution
        claimed = None if session.lost else await self._sessions.claim(resolution.record)
        if claimed is None:
            return session, resolve(session.record, view, **about, session_lost=True)
        held, stored = claimed
        session = replace(session, stored=stored)
        if held == resolution.record:
            return session, resolution
        return session, resolve(held, view, **about)

    async def _ask(
        self,
        question: Question,
        before: tuple[Message, ...],
        turn: int,
        resolution: Resolution,
        *,
        intent: str,
        relay: Relay | None,
        variant: Variant | None,
    ) -> list[Attempt]:
        """The attempts, at most two; the second is control's, unless control timed out already."""
        messages = [{"role": m.role, "text": m.text} for m in before]
        messages.append({"role": "user", "text": question.message})
        about: dict[str, Any] = {
            "conversation_id": question.conversation_id,
            "turn": turn,
            "intent": intent,
            "relay": relay,
            "instruction": variant.instruction if variant else "",
        }
        first = await self._gateway.converse(resolution.serve, messages, attempt=1, **about)
        if first.answered or not self._again(resolution.serve, first):
            return [first]
        if relay is not None:
            relay.restart()
        return [first, await self._gateway.converse("control", messages, attempt=2, **about)]

    def _again(self, arm: str, first: Attempt) -> bool:
        """Whether control is asked once more.

        In the place of a canary always: it has room for all. After itself only within the budget,
        and not when the customer has waited a whole time-out.
        """
        if arm == "canary":
            return True
        return first.outcome != "timeout" and self._retries.take()

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
        variant: Variant | None,
    ) -> None:
        now, parameter = clock.now(), self._feed.view.parameter
        first, last = attempts[0], attempts[-1]
        throttled = first.outcome == "throttled"
        slow = bool(parameter and 0 < parameter.slow_ms < latency_ms)
        record, counted = resolution.record, resolution.arm is not None
        p_canary = record.p_canary if counted else None
        if not cache_hit:  # nobody was asked: what alarms watch are attempts at a model
            self._counters.record(
                resolution.serve,
                now,
                p_canary=p_canary,
                error=first.failed,
                slow=slow,
                throttled=throttled,
            )
        active = parameter is not None and parameter.active
        sampled = counted and last.answered and not cache_hit
        sampled = sampled and self._sampled(question.conversation_id, turn)
        scored = variant is not None and variant.scored and last.answered
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
                **(draws.words(question.message, last.text) if sampled or scored else {}),
                **(variant.fields(scored=scored) if variant else {}),
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
        names = ("intent and session", "model", "save")
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
