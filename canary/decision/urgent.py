"""What comes before any test: the release's own end, alarms, harm, holds, the arms' sizes."""

from __future__ import annotations

from canary.decision.harm import harm_lines
from canary.decision.look import Look
from canary.decision.outcome import Decision
from canary.decision.wording import harm_words, subject_words
from canary.release.model import Cause, DecisionKind, Phase
from canary.statistics.srm import mismatch_p_value

__all__ = ["CRITICAL_ALARM", "URGENT"]

CRITICAL_ALARM = "canary-critical"
_COMPOSITES = frozenset({CRITICAL_ALARM, "canary-warning"})


def over(look: Look) -> Decision | None:
    """A finished release has nothing to decide."""
    if not (look.state.revoked or look.state.terminal):
        return None
    look.note("over", look.state.phase.value)
    return look.decide(DecisionKind.HOLD, f"The release is {look.state.phase}.", wait=0)


def critical(look: Look) -> Decision | None:
    """A raised critical alarm rolls back, even when its transition was missed."""
    raised = CRITICAL_ALARM in look.facts.raised
    look.note("critical alarm", "ROLLBACK" if raised else "quiet", raised=raised)
    if not raised:
        return None
    return look.decide(
        DecisionKind.ROLLBACK,
        f"{CRITICAL_ALARM} is in ALARM.",
        wait=0,
        cause=Cause.CRITICAL_ALARM,
        alarms=tuple(sorted(look.facts.raised)),
    )


def harm(look: Look) -> Decision | None:
    """The harm sequence: rejects overall or in a revenue-critical intent, holds elsewhere."""
    if look.facts.late:
        look.note("harm sequence", "not read: the feed is late")
        return None
    lines = harm_lines(look.policy, look.facts)
    overall = lines[0]
    harmed = [line for line in lines if line.harmed]
    look.note(
        "harm sequence",
        ", ".join(line.scope for line in harmed) or "no harm proved",
        upper=overall.upper,
        limit=overall.limit,
        n_control=overall.score.n_control,
        n_canary=overall.score.n_canary,
        from_outcomes=look.policy.statistics.harm_min_outcomes,
    )
    metric = look.policy.metric(look.policy.statistics.primary_metric)
    for line in sorted(harmed, key=lambda line: not line.rejects):
        reason = (
            f"Harm in {subject_words(metric.name, line.scope)}: {harm_words(line.upper, metric)}, "
            "at whatever moment one looks."
        )
        if line.rejects:
            return look.decide(DecisionKind.REJECT, reason, wait=0, cause=Cause.HARM_SEQUENCE)
        if look.state.phase is not Phase.HELD:
            return look.hold(reason, Cause.HARM_SEQUENCE)
    return None


def held(look: Look) -> Decision | None:
    """A hold stays until it is lifted."""
    if look.state.hold is None:
        return None
    held = look.state.hold
    look.note("held", held.cause.value, since=held.since)
    why = ", ".join(held.alarms) or held.detail
    if held.until is not None and look.facts.as_of > held.until:
        why = f"{why} Overdue: a person is wanted."
    return look.hold(f"Held: {held.cause}. {why}".rstrip(), held.cause, held.alarms)


def warnings(look: Look) -> Decision | None:
    """A raised warning holds, even when its transition was missed.

    One that was raised already when a person resumed the release is that person's business.
    """
    accepted = look.state.resumed_at or 0.0
    raised = tuple(
        name
        for name, since in sorted(look.facts.raised.items())
        if name not in _COMPOSITES and since > accepted
    )
    look.note("warnings", ", ".join(raised) or "quiet")
    if not raised:
        return None
    cause = Cause.WARNING
    if any(name.startswith("shared-") for name in raised):
        cause = Cause.SHARED
    elif raised == ("canary-silent",):
        cause = Cause.SILENCE
    return look.hold(f"In ALARM: {', '.join(raised)}.", cause, raised)


def mismatch(look: Look) -> Decision | None:
    """Arms that are not as large as asked say that something else differs too."""
    limit = look.policy.statistics.srm_alpha
    p = mismatch_p_value((d.p_canary, d.control, d.canary) for d in look.facts.draws)
    look.note("sample ratio", "mismatch" if p < limit else "as asked", p=p, alpha=limit)
    if p >= limit:
        return None
    return look.hold(f"The arms' sizes are not those asked for (p = {p:.2g}).")


URGENT = (over, critical, harm, held, warnings, mismatch)
"""In order of urgency: the first that decides ends the look."""
