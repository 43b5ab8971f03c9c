"""Does what the release machine asks for: the one place where its actions meet the adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from canary.aws import clock
from canary.aws.executions import Executions
from canary.aws.faults import Revoked
from canary.aws.functions import Function
from canary.aws.memories import Memories
from canary.aws.notify import Topic
from canary.aws.parameters import Parameters
from canary.aws.records import Releases, StaleRecordError
from canary.aws.traffic import Traffic
from canary.policy.compiled import CompiledPolicy
from canary.release import actions
from canary.release.actions import Action, Audience
from canary.release.events import Event
from canary.release.machine import decide
from canary.release.memory import Rollback
from canary.release.model import Phase, ReleaseState
from canary.release.publication import parameter_over
from canary.routing.weights import TrafficForm, safe_form

__all__ = ["Performer"]

_ATTEMPTS = 4


@dataclass(frozen=True)
class Performer:
    """The adapters one function has; an action that needs another one is an error."""

    releases: Releases
    parameters: Parameters | None = None
    traffic: Traffic | None = None
    topics: Mapping[Audience, Topic] = field(default_factory=dict)
    session_flag: Function | None = None
    rollback: Function | None = None
    executions: Executions | None = None
    memories: Memories | None = None

    def settle(self, state: ReleaseState, event: Event) -> ReleaseState:
        """Decide on an event and do what follows; the record afterwards.

        A record that moved on meanwhile is read and decided upon again; raises `StaleRecordError`
        when that never ends, `Revoked` when the release lost its rights.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            after, asked = decide(state, event)
            try:
                return self._perform(state, after, asked)
            except StaleRecordError:
                if attempt == _ATTEMPTS:
                    raise
            state = self.current(state.release_id)
        raise AssertionError("the loop returns or raises")

    def current(self, release_id: str) -> ReleaseState:
        """The record of a release that may still act. Raises `Revoked`."""
        state = self.releases.load(release_id)
        if state is None or state.revoked or state.terminal:
            raise Revoked(release_id)
        return state

    def do(self, state: ReleaseState, action: Action) -> None:
        """Do one action that is not a `Save`, on behalf of the release in `state`."""
        match action:
            case actions.Shift(form):
                self._shift(state.release_id, form)
            case actions.PublishAssignment(parameter):
                self._publish(state, "assignment", parameter.to_json())
            case actions.PublishStatus(status):
                self._publish(state, "status", status)
            case actions.SetSessionFlag(active):
                assert self.session_flag
                self.session_flag.start({"active": active})
            case actions.AwaitPolls(seconds):
                clock.sleep(seconds)
            case actions.RememberCandidate():
                self._remember(state, action)
            case actions.Notify(audience, subject, text):
                self.topics[audience].publish(subject, _message(state, text))
            case actions.StartRollback():
                assert self.rollback
                self.rollback.start(_rollback_event(state, action))
            case actions.StopExecution(execution_arn, cause):
                assert self.executions
                self.executions.stop(execution_arn, "RolledBack", cause)
            case _:
                raise TypeError(f"no one here can do {type(action).__name__}")

    def _perform(
        self, before: ReleaseState, after: ReleaseState, asked: tuple[Action, ...]
    ) -> ReleaseState:
        for action in asked:
            if isinstance(action, actions.Save):
                after = self.releases.save(before, after)
            else:
                self.do(after, action)
        return after

    def _shift(self, release_id: str, form: TrafficForm) -> None:
        """Move traffic only while the release may; take it back when a rollback came between."""
        assert self.traffic
        self.current(release_id)
        self.traffic.put(form)
        state = self.releases.load(release_id)
        if state is None or state.revoked or state.terminal:
            self.traffic.write(safe_form(state.safe_arm if state else "primary"))
            raise Revoked(f"{release_id}: rolled back while traffic moved; moved it back")

    def _publish(self, state: ReleaseState, name: str, value: str) -> None:
        """Publish; a rollback that came between has the last word, as with traffic.

        Who acts for a release that is over publishes its end, and asks nobody.
        """
        assert self.parameters
        self.parameters.put(name, value)
        if state.revoked or state.terminal:
            return
        now = self.releases.load(state.release_id)
        if now is None or not (now.revoked or now.phase in (Phase.ROLLED_BACK, Phase.REJECTED)):
            return
        over = parameter_over(now, promoted=False)
        phase = now.phase if now.terminal else Phase.ROLLED_BACK
        self.parameters.put("assignment", over.to_json())
        self.parameters.put("status", phase.lower())
        raise Revoked(f"{state.release_id}: rolled back while its {name} was published")

    def _remember(self, state: ReleaseState, action: actions.RememberCandidate) -> None:
        """The release's own copy of the policy says when strikes are too many."""
        assert self.memories
        self.memories.remember(
            action.model_id,
            Rollback(action.release_id, action.at, action.cause.value, action.strike),
            CompiledPolicy.from_json(state.policy).anti_flapping,
            rejected=action.rejected,
        )


def _message(state: ReleaseState, text: str) -> dict[str, object]:
    return {
        "release_id": state.release_id,
        "candidate": state.candidate,
        "region": state.region,
        "phase": state.phase.value,
        "stage": state.stage,
        "text": text,
    }


def _rollback_event(state: ReleaseState, action: actions.StartRollback) -> dict[str, object]:
    return {
        "source": "analyse",
        "release_id": state.release_id,
        "cause": action.cause.value,
        "strike": action.strike,
        "reject": action.reject,
        "detail": action.detail,
    }
