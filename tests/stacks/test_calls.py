"""The reader of calls: what it finds in a small program, and what it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stacks.calls import Calls, calls_of
from tests.stacks.iam_actions import actions_of, resources_of

FILES = {
    "canary/__init__.py": "",
    "canary/aws/__init__.py": "",
    "canary/aws/clients.py": "def client(service, **more):\n    ...\n",
    "canary/aws/settings.py": "def from_environment(kind):\n    ...\n",
    "canary/aws/store.py": """
class Store:
    def __init__(self, client, table):
        self._client = client
        self._table = table

    def read(self, key):
        return self._client.get_item(TableName=self._table, Key=key)

    def pages(self):
        return self._client.get_paginator("query").paginate(TableName=self._table)

    def save(self, item, *, last):
        items = [self._put(item), *self._end(last)]
        self._client.transact_write_items(TransactItems=items)

    def never(self):
        self._client.scan(TableName=self._table)

    def _put(self, item):
        return {"Put": {"TableName": self._table, "Item": item}}

    def _end(self, last):
        return [{"Delete": {"TableName": self._table}}] if last else []
""",
    "canary/aws/parameters.py": """
class Parameters:
    def __init__(self, client, prefix):
        self._client = client
        self._prefix = prefix.rstrip("/")

    def put(self, name, value):
        self._client.put_parameter(Name=f"{self._prefix}/{name}", Value=value)
""",
    "canary/aws/worker.py": """
from dataclasses import dataclass

from canary.aws.parameters import Parameters
from canary.aws.store import Store


@dataclass
class Worker:
    store: Store
    parameters: Parameters | None = None

    def work(self):
        self.attempt(lambda: self.store.save({}, last=True))
        if self.parameters:
            for name in NAMES.values():
                self.parameters.put(name, "x")

    def attempt(self, do):
        return do()


NAMES = {"a": "one", "b": "two"}
""",
}
HANDLER = """
from dataclasses import dataclass

from canary.aws.clients import client
from canary.aws.parameters import Parameters
from canary.aws.settings import from_environment
from canary.aws.store import Store
from canary.aws.worker import Worker


@dataclass
class Settings:
    the_table: str
    prefix: str


SETTINGS = from_environment(Settings)
STORE = Store(client("dynamodb", read=1), SETTINGS.the_table)
WORKER = Worker({worker})


def handler(event, context):
    {body}
"""


def calls(root: Path, body: str, worker: str = "STORE") -> Calls:
    for name, text in {**FILES, "handler.py": HANDLER.format(body=body, worker=worker)}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return calls_of(root, "handler")


def test_only_what_the_handler_reaches_is_a_call(tmp_path: Path) -> None:
    """A method that nobody calls asks for nothing, whatever else its class can do."""
    found = calls(tmp_path, "return STORE.read(event)")
    assert found == {("dynamodb", "get_item"): {"TableName": {"${THE_TABLE}"}, "Key": set()}}


def test_what_a_function_imports_late_is_followed(tmp_path: Path) -> None:
    """As the rollback does, whose later steps are not to delay the first."""
    late = "from canary.aws.parameters import Parameters as Late"
    made = 'Late(client("ssm"), SETTINGS.prefix).put("a", "b")'
    found = calls(tmp_path, f"{late}\n    return {made}")
    assert list(found) == [("ssm", "put_parameter")]


def test_what_a_lifespan_yields_is_found_in_a_requests_state(tmp_path: Path) -> None:
    """By its name; what nobody asks the state for is not called."""
    yields = 'yield {"store": STORE, "worker": WORKER}'
    endpoint = "async def endpoint(request):\n        return request.state.store.read(event)"
    assert list(calls(tmp_path, f"{yields}\n    {endpoint}")) == [("dynamodb", "get_item")]


def test_a_page_of_a_paginator_is_a_call_of_its_method(tmp_path: Path) -> None:
    """`get_paginator` itself asks for nothing."""
    assert list(calls(tmp_path, "return list(STORE.pages())")) == [("dynamodb", "query")]


@pytest.mark.parametrize(
    ("worker", "written"),
    [
        ("STORE", set()),
        (
            'store=STORE, parameters=Parameters(client("ssm"), SETTINGS.prefix)',
            {"${PREFIX}/one", "${PREFIX}/two"},
        ),
    ],
)
def test_an_adapter_that_was_not_given_is_not_called(
    tmp_path: Path, worker: str, written: set[str]
) -> None:
    """What a dataclass is given decides, and names are followed through loops and templates."""
    found = calls(tmp_path, "WORKER.work()", worker)
    assert found.get(("ssm", "put_parameter"), {}).get("Name", set()) == written


def test_a_transaction_asks_for_the_actions_of_its_items(tmp_path: Path) -> None:
    """A put and a delete in one transaction are two actions on the table, and no third."""
    found = calls(tmp_path, "WORKER.work()")[("dynamodb", "transact_write_items")]
    actions = actions_of("dynamodb", "transact_write_items", found)
    assert actions == ["dynamodb:PutItem", "dynamodb:DeleteItem"]
    assert resources_of("dynamodb:PutItem", found) == {"${THE_TABLE}"}
