"""Let Bedrock ask both models the golden set, and judge the candidate by what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canary.aws import clock
from canary.aws.clients import client
from canary.aws.evaluation_jobs import Evaluated, mean_score
from canary.aws.evaluations import Evaluations, Question
from canary.aws.faults import Held
from canary.aws.performer import Performer
from canary.aws.records import Releases
from canary.aws.settings import from_environment
from canary.policy.compiled import CompiledPolicy
from canary.quality.catalogue.catalogue import load_catalogue
from canary.quality.detector import Detector
from canary.quality.facts import load_facts
from canary.quality.offline.golden import GoldenPrompt, load_golden, store_of
from canary.quality.offline.scores import Answers, OfflineScores, offline_scores
from canary.quality.offline.verdict import document, judge
from canary.release.model import Phase, ReleaseState


@dataclass(frozen=True)
class Settings:
    """What this function is given."""

    releases_table: str
    reports_bucket: str
    evaluation_role_arn: str


SETTINGS = from_environment(Settings)
RELEASES = Releases(client("dynamodb"), SETTINGS.releases_table)
EVALUATIONS = Evaluations(
    client("bedrock"),
    client("s3"),
    bucket=SETTINGS.reports_bucket,
    role_arn=SETTINGS.evaluation_role_arn,
)
SEED = 20_260_101
"""Of the bootstrap: the same answers give the same interval."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Start what is not measured yet (`step` "start"), or read and judge it ("read").

    `verdict` is RUNNING, PASS or FAIL. Raises `Revoked` when the release is over, `Held` while it
    is held, `EvaluationError` when a job gives no whole result.
    """
    state = Performer(RELEASES).current(event["release_id"])
    if state.phase is Phase.HELD:
        raise Held(f"{state.release_id} is held")
    policy = CompiledPolicy.from_json(state.policy)
    rule = policy.evaluation
    prompts = load_golden(store_of(policy.region))
    questions = [
        Question(model, state.policy_digest, prompts) for model in (state.control, state.candidate)
    ]
    running = {"verdict": "RUNNING", "detail": "", "wait_seconds": rule.poll_seconds}
    now = clock.now()
    if event["step"] == "start":
        for each in questions:
            EVALUATIONS.ensure(each, now=now, fresh_seconds=rule.fresh_seconds)
        return running
    control, canary = (
        EVALUATIONS.read(each, now=now, longest_seconds=rule.longest_seconds) for each in questions
    )
    if control is None or canary is None:
        return running
    found = measured(prompts, control, canary, store_of(policy.region))
    return running | judged(state, policy, found, mean_score(canary))


def measured(
    prompts: tuple[GoldenPrompt, ...],
    control: tuple[Evaluated, ...],
    canary: tuple[Evaluated, ...],
    store: str,
) -> OfflineScores:
    """Both models' answers, scored and compared pair by pair."""
    facts = load_facts(store)
    answers = [
        Answers(prompt, old.answer, new.answer)
        for prompt, old, new in zip(prompts, control, canary, strict=True)
    ]
    return offline_scores(answers, Detector(load_catalogue(), facts), facts.expected, seed=SEED)


def judged(
    state: ReleaseState, policy: CompiledPolicy, found: OfflineScores, bert_score: float
) -> dict[str, Any]:
    """The verdict, kept with all that it was made of before it is acted upon."""
    scores = {**found.scores, "bert_score": bert_score}
    verdict = judge(policy, found, scores)
    word = "PASS" if verdict.passed else "FAIL"
    kept = {
        "release_id": state.release_id,
        "candidate": state.candidate,
        "control": state.control,
        "policy_digest": state.policy_digest,
        "verdict": word,
        "reasons": list(verdict.reasons),
        "gates": list(verdict.lines),
        **document(found, scores),
    }
    EVALUATIONS.keep(state.release_id, kept)
    return {"verdict": word, "detail": verdict.detail}
