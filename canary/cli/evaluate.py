"""`canary evaluate`: both models answer the golden set, before any customer meets the candidate.

Exit status: 0 the scores pass the region's offline gates, 1 they fail or could not be measured, 2
usage or configuration. Scores are written in either case but for a candidate proved worse.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from canary.cli.operate import PREFIX, Region, in_region, refuse

if TYPE_CHECKING:
    from canary.quality.offline.scores import OfflineScores

__all__ = ["evaluate"]

_SEED = 20_260_101


@click.command()
@click.argument("candidate")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Where to write the scores, for canary start --offline.",
)
@click.option("--job", default="", help="ARN of a completed evaluation job: its BERTScore.")
@click.option("--start-job", default="", help="Start an evaluation job of this name, and end.")
@click.option("--role-arn", default="", help="With --start-job: the role that the job works as.")
@click.option("--bucket", default="", help="With --start-job: where prompts and results lie.")
@in_region
def evaluate(
    region: Region,
    *,
    candidate: str,
    output: Path,
    job: str,
    start_job: str,
    role_arn: str,
    bucket: str,
) -> None:
    """Score CANDIDATE, a model id, on the golden set beside the region's control model."""
    from canary.aws import clock, evaluation_jobs
    from canary.quality.offline.golden import load_golden, store_of
    from canary.quality.offline.verdict import document, shortcomings
    from canary.release.admission import offline_result

    policy = region.policy()
    store = store_of(policy.region)
    prompts = load_golden(store)
    bedrock = region.client("bedrock") if start_job or job else None
    if start_job:
        if not (role_arn and bucket):
            raise click.UsageError("--start-job needs --role-arn and --bucket")
        arn = evaluation_jobs.start_job(
            bedrock,
            region.client("s3"),
            name=start_job,
            model_id=candidate,
            role_arn=role_arn,
            bucket=bucket,
            prompts=prompts,
        )
        region.say(f"{arn} started; when it is completed: --job {arn}", {"job": arn})
        return
    found = _replay(region, candidate, store)
    scores = dict(found.scores)
    if job:
        try:
            results = evaluation_jobs.read_job(
                bedrock, region.client("s3"), job, model_id=candidate, prompts=prompts
            )
        except evaluation_jobs.EvaluationError as error:
            refuse(str(error))
        scores["bert_score"] = evaluation_jobs.mean_score(results)
    if reasons := shortcomings(policy, found):
        refuse(f"{candidate}: {'; '.join(reasons)}")
    scores["evaluated_at"] = clock.now()
    output.write_text(json.dumps(scores, indent=2, sort_keys=True) + "\n", "utf-8")
    verdict = offline_result(policy, scores)
    region.say(f"{candidate}: {verdict.verdict}: {verdict.detail}", document(found, scores))
    if verdict.verdict != "PASS":
        raise click.exceptions.Exit(1)


def _replay(region: Region, candidate: str, name: str) -> OfflineScores:
    from canary.aws.model_replay import ask_all
    from canary.aws.parameters import Parameters
    from canary.quality.catalogue.catalogue import load_catalogue
    from canary.quality.detector import Detector
    from canary.quality.facts import load_facts
    from canary.quality.offline.golden import load_golden
    from canary.quality.offline.scores import Answers, offline_scores

    control = Parameters(region.client("ssm"), PREFIX).get("control/model-id")
    runtime = region.client("bedrock-runtime")
    prompts, facts = load_golden(name), load_facts(name)
    texts = [each.asked for each in prompts]
    said = zip(ask_all(runtime, control, texts), ask_all(runtime, candidate, texts), strict=True)
    answers = [Answers(prompt, old, new) for prompt, (old, new) in zip(prompts, said, strict=True)]
    return offline_scores(answers, Detector(load_catalogue(), facts), facts.expected, seed=_SEED)
