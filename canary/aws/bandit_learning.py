"""One batch of every bandit: the policy's arms, rewards, guardrails, the next allocation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from canary.aws.bandit_log import BanditLog
from canary.aws.bandits import Bandits, KeptBandit
from canary.aws.bandits_sql import LATE_SECONDS
from canary.bandits.arms import check_prompts, with_arms
from canary.bandits.quality import ScoringError
from canary.bandits.revise import Finding, day_of, revise
from canary.bandits.rules import Rules
from canary.bandits.serving import Servings, rules_of, serving
from canary.bandits.settle import Batch, settle
from canary.bandits.state import BanditState, new_bandit
from canary.policy.compiled import CompiledPolicy
from canary.policy.compiled_bandits import Bandit

__all__ = ["ARRIVAL_SECONDS", "MOST_SECONDS", "Learner", "Lesson"]

ARRIVAL_SECONDS = LATE_SECONDS + 600.0
"""So long after its window a reward's event can be read: an answer's time, and the feed's."""
MOST_SECONDS = 6 * 3600.0
"""Of decisions in one batch: after an outage what is behind is learned in several."""


@dataclass(frozen=True)
class Lesson:
    """What a call has done; `failures` says of each bandit that could not learn, why."""

    servings: Servings
    findings: tuple[tuple[str, Finding], ...]
    failures: tuple[str, ...]
    behind_s: float
    """How long past the reward's window the oldest decision is that was not learned from."""


class Learner:
    """Lets the bandits of a policy learn, each in a write of its own."""

    def __init__(self, bandits: Bandits, log: BanditLog) -> None:
        self._bandits = bandits
        self._log = log

    def learn(self, policy: CompiledPolicy, now: float, *, release_active: bool) -> Lesson:
        """One batch of each intent; what goes wrong with one stops no other."""
        kept: dict[str, KeptBandit] = {}
        findings: list[tuple[str, Finding]] = []
        failures: list[str] = []
        rules, zone = rules_of(policy.bandits), ZoneInfo(policy.timezone)
        for bandit in policy.bandits.intents:
            intent = bandit.intent
            before: KeptBandit | None = None
            made: KeptBandit | None
            try:
                before = self._bandits.load(intent)
                state = _as_the_policy_has_it(before, bandit, now, rules)
                state = self._settled(state, rules, now, failures.append)
                revised = revise(state, rules, now=now, release_active=release_active, zone=zone)
                made = KeptBandit(revised.state, bandit.prompts)
                found = [each for each in revised.findings if _news(each, before, made)]
                if before is None or made != before:
                    self._bandits.save(made, before, found)
                findings += [(intent, each) for each in found]
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this bandit's failure
                failures.append(f"{intent}: {error}")
                made = before
            if made is not None:
                kept[intent] = made
        return Lesson(
            Servings(
                rules,
                policy.bandits.quality_sampling,
                {intent: serving(each.state, each.prompts) for intent, each in kept.items()},
            ),
            tuple(findings),
            tuple(failures),
            max(
                (now - rules.reward_window_s - each.state.settled_until for each in kept.values()),
                default=0.0,
            ),
        )

    def _settled(
        self, state: BanditState, rules: Rules, now: float, failed: Callable[[str], None]
    ) -> BanditState:
        since = state.settled_until
        until = min(now - rules.reward_window_s - ARRIVAL_SECONDS, since + MOST_SECONDS)
        if until <= since:
            return state
        return settle(state, self._batch(state.intent, since, until, rules, failed), rules, now=now)

    def _batch(
        self, intent: str, since: float, until: float, rules: Rules, failed: Callable[[str], None]
    ) -> Batch:
        """Without its scores where nobody could give them: rewards come only once."""
        stretch = (intent, since, until, rules.reward_window_s)
        try:
            return self._log.batch(*stretch)
        except ScoringError as error:
            failed(f"{intent}: learned without scores: {error}")
            return self._log.batch(*stretch, scored=False)


def _news(finding: Finding, before: KeptBandit | None, made: KeptBandit) -> bool:
    """An arm that is kept though it is poor is found poor every hour: that is told once a day."""
    if finding.what != "kept" or before is None:
        return True
    return day_of(before.state.settled_until) != day_of(made.state.settled_until)


def _as_the_policy_has_it(
    before: KeptBandit | None, bandit: Bandit, now: float, rules: Rules
) -> BanditState:
    names = list(bandit.prompts)
    if before is None:
        return new_bandit(bandit.intent, bandit.kind, names, at=now, rules=rules)
    check_prompts(bandit.intent, before.prompts, bandit.prompts)
    return with_arms(before.state, bandit.kind, names, at=now)
