"""`canary report`: a page and its numbers, from a region or from looks alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from canary.aws.looks import pack
from canary.cli.report import report
from tests.canary.report.scenes import DAY, story


@pytest.fixture
def looks(tmp_path: Path) -> Path:
    """The looks of half a release, as the region keeps them."""
    folder = tmp_path / "looks"
    folder.mkdir()
    for index, record in enumerate(story(until=4.5 * DAY)[1]):
        name = f"{record.state.stage}-{round(1000 * record.facts.as_of)}.json"
        # One of them unpacked, as somebody may have done to read it.
        if index == 0:
            (folder / name).write_text(record.to_json())
        else:
            (folder / f"{name}.gz").write_bytes(pack(record))
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    return iter(())


def call(*arguments: object) -> Result:
    return CliRunner().invoke(report, [str(each) for each in arguments])


def test_page_and_numbers_are_written_side_by_side(looks: Path, tmp_path: Path) -> None:
    """Without a region: the page, the JSON it was made of, and the verdict in a line."""
    done = call("--looks", looks, "--output", tmp_path / "out" / "r.html")
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "r.html").read_text()
    document = json.loads((tmp_path / "out" / "r.json").read_text())
    assert document["release"]["release_id"] == "r1"
    assert document["verdict"]["sentence"] in page
    assert done.stdout.strip().endswith(document["verdict"]["sentence"])


def test_json_prints_the_numbers_and_writes_nothing_unasked(looks: Path, tmp_path: Path) -> None:
    """One object on standard output; a file only where --output names one."""
    before = set(tmp_path.iterdir())
    done = call("--looks", looks, "--json")
    document = json.loads(done.stdout)
    assert document["release"]["looks"] == 6
    assert [look["number"] for look in document["primary"]["looks"]] == [1, 2]
    assert set(tmp_path.iterdir()) == before


def test_default_place_is_named_after_the_release(looks: Path, tmp_path: Path) -> None:
    """In the present directory, and said."""
    done = call("r1", "--looks", looks)
    assert done.stdout.startswith("report-r1.html: ")
    assert (tmp_path / "report-r1.html").is_file()


@pytest.mark.parametrize(
    ("name", "content", "asked", "said"),
    [
        (None, b"", [], "has no look, a file STAGE-MS.json.gz"),
        ("1-5.json.gz", b"\x1f\x8bnonsense", [], "1-5.json.gz: not a look"),
        ("1-5.json", b"{}", [], "1-5.json: not a look"),
    ],
)
def test_what_is_no_look_is_named(
    tmp_path: Path, name: str | None, content: bytes, asked: list[str], said: str
) -> None:
    """An empty directory and a broken file end with status 2 and the place."""
    folder = tmp_path / "empty"
    folder.mkdir()
    if name:
        (folder / name).write_bytes(content)
    done = call(*asked, "--looks", folder)
    assert done.exit_code == 2
    assert said in done.output


def test_another_release_s_looks_are_refused(looks: Path) -> None:
    """The directory's releases are named."""
    done = call("r9", "--looks", looks)
    assert done.exit_code == 2
    assert "has looks of r1, none of r9" in done.output


def test_help_says_what_is_needed_and_the_exit_status() -> None:
    """Permissions and statuses stand where a person looks for them."""
    said = call("--help").output
    for word in ("Exit status", "s3:ListBucket", "dynamodb:Query", "--looks"):
        assert word in said


def unknown(*_: Any) -> None:
    return None


def test_a_release_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 1, and nothing is written."""
    from canary.aws.records import Releases

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(Releases, "load", unknown)
    done = call("r9", "--region", "us-east-1")
    assert done.exit_code == 1
    assert "refused: there is no release r9" in done.output
