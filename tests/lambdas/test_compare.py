"""`canary diagnose --compare`: both models on what failing conversations asked.

Bedrock's stand-in is a server: requests are the SDK's own, and errors are read as AWS's are.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.cli.diagnose import diagnose
from canary.cli.stack_outputs import STATE_STACK
from canary.report.comparison import MOST_PROMPTS
from tests.lambdas.conftest import START
from tests.lambdas.crowds import behind_athena
from tests.lambdas.test_diagnose import rolled_back

Answer = Callable[[str, str], tuple[int, dict[str, Any]]]
DENIED = (
    HTTPStatus.FORBIDDEN,
    {"message": "You don't have access to the model with the specified model ID."},
)


@dataclass
class Bedrock:
    """What the models say, and what they were asked: model, prompt, and the request's body."""

    answer: Answer
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


def says(text: str) -> tuple[int, dict[str, Any]]:
    message = {"role": "assistant", "content": [{"text": text}] if text else []}
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
    body = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
    return 200, body | {"metrics": {"latencyMs": 1}}


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bedrock]:
    """Answers each prompt in the model's name, on HTTP."""
    made = Bedrock(lambda model, prompt: says(f"{model} on {prompt}"))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            model = re.fullmatch(r"/model/([^/]+)/converse", self.path)
            assert model, self.path
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = body["messages"][0]["content"][0]["text"]
            made.asked.append((model[1], prompt, body))
            status, said = made.answer(model[1], prompt)
            raw = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            if status == HTTPStatus.FORBIDDEN:
                self.send_header("x-amzn-errortype", "AccessDeniedException")
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch, region: Any) -> Any:
    """A rollback, and the table its turns go to: `add(conversation, arm, question, **how)`."""
    table = behind_athena(monkeypatch)
    rolled_back(region)
    count = iter(range(1, 1000))

    def add(conversation: str, arm: str, question: str | None, **how: Any) -> None:
        about = {"epoch": START - next(count), "test_id": "t-1", "turn": 1, "intent": "faq"}
        words = {"question": question, "text": f"then: {question}"} if question else {}
        table.add("turn", conversation, f"u-{conversation}", arm, **(about | words | how))

    return add


def run(*arguments: str) -> Result:
    return CliRunner().invoke(diagnose, ["r-1", "--region", "us-east-1", *arguments])


def failing(turns: Any) -> None:
    turns("k1", "canary", "Where is my order?", error=True, status="error")
    turns("k2", "canary", "Do you ship to 12 Elm Street? I am at ana@example.com")
    turns("k2", "canary", None, slow=True, turn=2)
    turns("k3", "canary", "This one went well")
    turns("c1", "control", "Is volume 3 out?", throttled=True)
    turns("c2", "control", "Where is my order?", error=True)


def test_both_models_are_asked_what_failing_conversations_had_asked(
    turns: Any, bedrock: Bedrock
) -> None:
    """Redacted, each question once, the canary's first; good conversations are left out."""
    failing(turns)
    result = run("--compare", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["comparison"]
    questions = [row["question"] for row in found["prompts"]]
    assert set(questions) == {
        "Where is my order?",
        "Do you ship to [address]? I am at [e-mail]",
        "Is volume 3 out?",
    }
    assert questions[-1] == "Is volume 3 out?"
    assert found["models"] == {"control": "model-a", "canary": "model-b"}
    for row in found["prompts"]:
        assert row["control"] == {"text": f"model-a on {row['question']}", "fault": ""}
        assert row["canary"] == {"text": f"model-b on {row['question']}", "fault": ""}
        assert row["said_then"].startswith("then: ")
    asked = {(model, prompt) for model, prompt, _ in bedrock.asked}
    assert asked == {(model, each) for model in ("model-a", "model-b") for each in questions}
    assert all(body["inferenceConfig"]["temperature"] == 0 for _, _, body in bedrock.asked)


def test_a_person_reads_them_side_by_side(turns: Any, bedrock: Bedrock) -> None:
    """In columns under the models' names, after the rest of the diagnosis."""
    failing(turns)
    result = run("--compare")
    assert result.exit_code == 0, result.output
    page = result.stdout
    heading = next(line for line in page.splitlines() if "control: model-a" in line)
    assert "canary: model-b" in heading
    row = next(line for line in page.splitlines() if "model-a on Where is my order?" in line)
    assert row.index("model-a on") < row.index("model-b on Where is my order?")
    assert "was it justified?" in page


def test_what_models_answer_is_redacted(turns: Any, bedrock: Bedrock) -> None:
    """A model may repeat, or make up, what points to a person."""
    failing(turns)
    bedrock.answer = lambda _model, _prompt: says("Write to ben@example.com")
    found = json.loads(run("--compare", "--json").stdout)["comparison"]
    assert {row["canary"]["text"] for row in found["prompts"]} == {"Write to [e-mail]"}


def test_a_single_fault_is_part_of_the_comparison(turns: Any, bedrock: Bedrock) -> None:
    """Which prompt, and what Bedrock said; an answer without words is none of them."""
    failing(turns)

    def answer(model: str, prompt: str) -> tuple[int, dict[str, Any]]:
        if model == "model-b" and "order" in prompt:
            return 400, {"message": "the prompt is refused"}
        return says("" if "volume" in prompt else "yes")

    bedrock.answer = answer
    page = " ".join(run("--compare").stdout.split())
    assert "no answer: An error occurred" in page
    assert "an empty answer" in page
    rows = json.loads(run("--compare", "--json").stdout)["comparison"]["prompts"]
    (faulty,) = [row for row in rows if row["canary"]["fault"]]
    assert faulty["question"] == "Where is my order?"
    assert faulty["canary"]["text"] is None
    assert "the prompt is refused" in faulty["canary"]["fault"]


@pytest.mark.parametrize("model", ["model-a", "model-b"])
def test_a_model_that_may_not_be_asked_is_named(turns: Any, bedrock: Bedrock, model: str) -> None:
    """Exit 1, one line: which model, what Bedrock said, and what to look at."""
    failing(turns)
    bedrock.answer = lambda asked, _prompt: DENIED if asked == model else says("yes")
    result = run("--compare")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"canary: refused: {model} answered none of 3 prompts: ")
    assert "AccessDeniedException" in line
    assert "may you call bedrock:InvokeModel on it?" in line
    assert result.stdout == ""


def test_an_endpoint_that_is_not_there_is_said(turns: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A region without Bedrock, or no way to it."""
    failing(turns)
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")
    result = run("--compare")
    assert result.exit_code == 1
    assert "model-a answered none of 3 prompts: Could not connect" in result.stderr


def test_no_more_prompts_are_asked_than_somebody_waits_for(turns: Any, bedrock: Bedrock) -> None:
    """The newest ones of the canary."""
    for n in range(MOST_PROMPTS + 3):
        turns(f"k{n}", "canary", f"Question number {n}?", error=True)
    rows = json.loads(run("--compare", "--json").stdout)["comparison"]["prompts"]
    assert [row["question"] for row in rows] == [f"Question number {n}?" for n in range(10)]


def test_without_a_sampled_prompt_nobody_is_asked(turns: Any, bedrock: Bedrock) -> None:
    """A conversation that failed without words, and one with words that did not fail."""
    turns("k1", "canary", None, error=True)
    turns("k2", "canary", "All is well")
    result = run("--compare")
    assert (result.exit_code, bedrock.asked) == (1, [])
    assert "no turn of a conversation that failed in r-1 was sampled" in result.stderr


def test_it_is_kept_beside_the_report_when_asked_to(
    region: Any, turns: Any, bedrock: Bedrock
) -> None:
    """As a newer version of the diagnosis; the stack's output names the bucket."""
    failing(turns)
    template = {
        "Resources": {"T": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"ReportsBucket": {"Value": "reports"}},
    }
    region.client("cloudformation").create_stack(
        StackName=STATE_STACK, TemplateBody=json.dumps(template)
    )
    result = run("--compare", "--keep")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("kept: s3://reports/reports/r-1.diagnosis.json\n")
    stored = region.client("s3").get_object(Bucket="reports", Key="reports/r-1.diagnosis.json")
    document = json.loads(stored["Body"].read())
    assert len(document["comparison"]["prompts"]) == 3
    assert document["release"]["release_id"] == "r-1"


@pytest.mark.parametrize(
    "arguments",
    [("--keep",), ("--compare", "--bucket", "reports"), ("--compare", "--confirm", "yes")],
)
def test_what_goes_together_is_said(region: Any, arguments: tuple[str, ...]) -> None:
    """Usage, exit 2."""
    assert run(*arguments).exit_code == 2
