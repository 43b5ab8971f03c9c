"""What rollbacks leave behind: strikes, root causes and overrides, and what they ask of a release.

A strike is a rollback that the candidate was the cause of. Whatever else ended a release (a shared
incident, our machinery, an operator without `--strike`) is remembered and asks for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from canary.policy.compiled import AntiFlapping

__all__ = [
    "CandidateMemory",
    "LastStrike",
    "Override",
    "Past",
    "Rollback",
    "RootCause",
    "remembered",
    "striking_out",
]


@dataclass(frozen=True)
class Rollback:
    """One rollback of a candidate; `at` is epoch seconds, `cause` a `Cause`'s value."""

    release_id: str
    at: float
    cause: str
    strike: bool


@dataclass(frozen=True)
class CandidateMemory:
    """What happened to one candidate in this region; `version` grows by one with each write."""

    rollbacks: tuple[Rollback, ...] = ()
    rejected: bool = False
    version: int = 0

    @property
    def strikes(self) -> tuple[Rollback, ...]:
        """The rollbacks that it was the cause of, in the order in which they were remembered."""
        return tuple(each for each in self.rollbacks if each.strike)


@dataclass(frozen=True)
class LastStrike:
    """The last strike in this region, of whatever candidate; an empty `release_id`: none yet.

    `followed_by` is the last release that was admitted after it.
    """

    release_id: str = ""
    candidate: str = ""
    at: float = 0.0
    followed_by: str = ""
    version: int = 0


@dataclass(frozen=True)
class RootCause:
    """A filed root cause of one release's rollback: its `number`-th, each written once.

    Who filed and who reviewed are ARNs of callers, as STS knows them. `approved` is None until
    someone has reviewed it.
    """

    release_id: str
    number: int
    filed_by: str
    filed_at: float
    digest: str
    summary: str = ""
    reviewed_by: str = ""
    reviewed_at: float | None = None
    approved: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Override:
    """A second person's leave to start a candidate in spite of its past, for one release.

    `override_id` is unique for the candidate, `by` the ARN of who gave it, `at` epoch seconds.
    """

    override_id: str
    by: str
    at: float
    reason: str
    used_by: str = ""


@dataclass(frozen=True)
class Past:
    """All that admission has to know of a candidate's past, and of the region's."""

    candidate: CandidateMemory = CandidateMemory()
    last: LastStrike = LastStrike()
    followed_well: bool = False
    """Whether the release that followed the region's last strike has left the first stage."""
    root_causes: tuple[RootCause, ...] = field(default=())
    overrides: tuple[Override, ...] = field(default=())

    def root_cause(self, release_id: str) -> RootCause | None:
        """The last one that was filed for the rollback of that release."""
        filed = [each for each in self.root_causes if each.release_id == release_id]
        return max(filed, key=lambda each: each.number, default=None)

    @property
    def last_strike_at(self) -> float:
        """When the last strike was that this candidate's release answers for; 0 without one."""
        return max([self.last.at, *(each.at for each in self.candidate.strikes)])


def remembered(
    known: CandidateMemory, rollback: Rollback, rule: AntiFlapping, *, rejected: bool = False
) -> CandidateMemory:
    """The memory with that rollback, once a release; `known` itself where nothing is new.

    The strike that makes `rule.rollbacks` of them within the window rejects for good, and so does
    `rejected`: the candidate lost its test, or a person said so.
    """
    rollbacks = known.rollbacks
    if not any(each.release_id == rollback.release_id for each in rollbacks):
        rollbacks = (*rollbacks, rollback)
    after = replace(known, rollbacks=rollbacks)
    out = known.rejected or rejected or bool(striking_out(after, rule))
    after = replace(after, rejected=out)
    return known if after == known else replace(after, version=known.version + 1)


def striking_out(memory: CandidateMemory, rule: AntiFlapping) -> tuple[Rollback, ...]:
    """The strikes that reject for good: the first so many within one window; else none."""
    strikes = sorted(memory.strikes, key=lambda each: each.at)
    for index in range(len(strikes) - rule.rollbacks + 1):
        group = strikes[index : index + rule.rollbacks]
        if group[-1].at - group[0].at <= rule.window_seconds:
            return tuple(group)
    return ()
