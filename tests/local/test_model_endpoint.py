"""The model endpoint as the SDK sees it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from canary.local.intents.utterances import load_utterances, shipped_classifier
from canary.local.talk import INVENTED_TITLES, Language, catalogue, message
from canary.policy.compile import compile_policy, load_policy

POLICY = Path(__file__).parents[2] / "policy" / "mangaassist.toml"
SCENARIO = """
description = "a test"
seed = 3
horizon_minutes = 60
[expect]
outcome = "HELD"
[[fault]]
kind = "model_down"
arm = "canary"
from_stage = 5
minutes = 10
[[fault]]
kind = "classifier_down"
from_stage = 5
minutes = 10
[[phase]]
arm = "canary"
from_stage = 25
error_rate = 1.0
[[phase]]
arm = "canary"
from_stage = 50
error_rate = 0.0
throttle_rate = 1.0
[[phase]]
arm = "control"
hallucination_rate = 1.0
"""


class Endpoint:
    """The process, and SDK clients of it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self._port = port

    def client(self, service: str) -> Any:
        """A client that tries once."""
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{self._port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def tell(self, **line: Any) -> None:
        """A control line; it is in force once the endpoint answers differently."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def converse(self, model_id: str, conversation_id: str | None = "c1") -> dict[str, Any]:
        """One call."""
        about = {"conversation_id": conversation_id, "turn": "1", "attempt": "1", "intent": "faq"}
        metadata = about if conversation_id else {"purpose": "attestation"}
        answer: dict[str, Any] = self.client("bedrock-runtime").converse(
            modelId=model_id,
            messages=[{"role": "user", "content": [{"text": "Do you ship abroad?"}]}],
            inferenceConfig={"maxTokens": 64},
            requestMetadata=metadata,
        )
        return answer

    def failure(self, model_id: str) -> ClientError:
        """The error that a call ends in, once the endpoint has taken in the last line."""
        for _ in range(200):
            try:
                self.converse(model_id)
            except ClientError as error:
                return error
        pytest.fail("the endpoint never failed")


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    """A running model endpoint, 600 times as fast as the world."""
    (tmp_path / "test.toml").write_text(SCENARIO)
    compiled = compile_policy(load_policy(POLICY), "us-east-1")
    (tmp_path / "policy.json").write_text(compiled.to_json())
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "canary.local.model_endpoint"),
            *("--scenario", str(tmp_path / "test.toml")),
            *("--policy", str(tmp_path / "policy.json")),
            *("--candidate", "maker.manga-2:0"),
        ],
        env={**os.environ, "CANARY_CLOCK": "0:0:600"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield Endpoint(process, int(process.stdout.readline()))
    process.kill()
    process.wait()
    process.stdout.close()


def test_an_answer_is_bedrocks_and_names_titles(endpoint: Endpoint) -> None:
    """Text, stop reason, tokens and latency where the SDK expects them; luck is repeatable."""
    answer, again = endpoint.converse("maker.manga-2:0"), endpoint.converse("maker.manga-2:0")
    text = answer["output"]["message"]["content"][0]["text"]
    assert any(f'"{title}"' in text for title in catalogue())
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"]["totalTokens"] == (
        answer["usage"]["inputTokens"] + answer["usage"]["outputTokens"]
    )
    assert answer["metrics"] == again["metrics"]
    assert answer["metrics"]["latencyMs"] > 300
    assert text == again["output"]["message"]["content"][0]["text"]


def test_a_hallucination_names_a_title_that_no_catalogue_has(endpoint: Endpoint) -> None:
    """The current model, told to invent, does; no invented title exists."""
    text = endpoint.converse("maker.manga-1")["output"]["message"]["content"][0]["text"]
    assert any(f'"{title}"' in text for title in INVENTED_TITLES["english"])
    assert not set(INVENTED_TITLES["english"]) & set(catalogue())


def test_stages_pushed_on_standard_input_change_how_the_candidate_behaves(
    endpoint: Endpoint,
) -> None:
    """5xx from 25%, throttling from 50%, the current model as before; an attestation passes."""
    endpoint.converse("maker.manga-2:0")
    endpoint.tell(stage_percent=25, minute=3.0, faults=[])
    failed = endpoint.failure("maker.manga-2:0").response
    assert failed["Error"]["Code"] == "InternalServerException"
    assert failed["ResponseMetadata"]["HTTPStatusCode"] == 500
    endpoint.tell(stage_percent=50, minute=4.0, faults=[])
    for _ in range(200):
        throttled = endpoint.failure("maker.manga-2:0").response
        if throttled["Error"]["Code"] == "ThrottlingException":
            break
    assert throttled["ResponseMetadata"]["HTTPStatusCode"] == 429
    headers = throttled["ResponseMetadata"]["HTTPHeaders"]
    assert float(headers["x-amzn-bedrock-invocation-latency"]) > 0
    assert endpoint.converse("maker.manga-1")["stopReason"] == "end_turn"
    assert endpoint.converse("maker.manga-2:0", None)["usage"]["outputTokens"] > 0


def test_messages_out_of_order_are_refused_as_bedrock_does(endpoint: Endpoint) -> None:
    """Roles must alternate."""
    turn = {"role": "user", "content": [{"text": "hi"}]}
    with pytest.raises(ClientError) as caught:
        endpoint.client("bedrock-runtime").converse(modelId="m", messages=[turn, turn])
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_the_intent_endpoint_answers_as_sagemaker(endpoint: Endpoint) -> None:
    """`{"text"}` in, an intent with its confidence out."""
    answer = endpoint.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="mangaassist-intent",
        ContentType="application/json",
        Body=json.dumps({"text": "Where is my parcel?"}),
    )
    document = json.loads(answer["Body"].read())
    assert document["intent"] == "order_tracking"
    assert 0 < document["confidence"] <= 1


def test_the_end_of_its_input_ends_the_process(endpoint: Endpoint) -> None:
    """Nothing is left behind when the runner dies."""
    assert endpoint.process.stdin is not None
    endpoint.process.stdin.close()
    assert endpoint.process.wait(timeout=30) == 0


@pytest.mark.parametrize("language", ["english", "japanese"])
def test_the_classifier_knows_what_customers_say(language: Language) -> None:
    """Whatever title and number is in it, a customer's message is taken for what it is."""
    compiled = compile_policy(load_policy(POLICY), "us-east-1")
    for intent in compiled.intents:
        texts = {message(intent.name, 1, f"c{n}", 1, language) for n in range(60)}
        right = sum(shipped_classifier().classify(text)[0] == intent.name for text in texts)
        assert right / len(texts) > 0.95, intent.name


def test_the_classifier_is_measured_on_what_it_did_not_learn() -> None:
    """All of the policy's intents in both languages; accuracy on held-out texts may not fall."""
    compiled = compile_policy(load_policy(POLICY), "us-east-1")
    utterances = load_utterances()
    for language, least in (("english", 0.95), ("japanese", 0.88)):
        known = {each.intent for each in utterances if each.language == language}
        assert known == {intent.name for intent in compiled.intents}
        held_out = [u for u in utterances if u.language == language and u.part == "held_out"]
        classified = [shipped_classifier().classify(each.text)[0] for each in held_out]
        right = sum(found == each.intent for found, each in zip(classified, held_out, strict=True))
        assert len(held_out) >= 70
        assert right / len(held_out) >= least


def hangs_up(call: Callable[[], Any]) -> bool:
    """Whether nobody answers."""
    try:
        call()
    except ConnectionClosedError:
        return True
    return False


def test_a_dead_model_and_a_dead_classifier_hang_up_until_they_live_again(
    endpoint: Endpoint,
) -> None:
    """No answer at all, while the other model answers; then all as before."""
    client = endpoint.client("sagemaker-runtime")
    body = json.dumps({"text": "hello"})
    classify_one = partial(client.invoke_endpoint, EndpointName="intent", Body=body)
    endpoint.tell(stage_percent=5, minute=1.0, faults=["model_down", "classifier_down"])
    assert any(hangs_up(classify_one) for _ in range(200))
    assert hangs_up(partial(endpoint.converse, "maker.manga-2:0"))
    assert not hangs_up(partial(endpoint.converse, "maker.manga-1:0"))
    endpoint.tell(stage_percent=5, minute=12.0, faults=[])
    assert any(not hangs_up(classify_one) for _ in range(200))
    assert not hangs_up(partial(endpoint.converse, "maker.manga-2:0"))
