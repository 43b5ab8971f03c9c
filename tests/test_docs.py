"""The documents: links lead somewhere, commands exist, every alarm has its section."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from canary.cli.main import canary
from canary.local.scenario import validate_scenario
from canary.policy.compile import compile_policy, load_policy
from canary.policy.compiled import CompiledPolicy
from canary.policy.pace import apply_pace
from canary.release.escalation import alarm_windows
from canary.release.model import Phase
from canary.simulation.world import Change, World, load_world

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RUNBOOK = ROOT / "docs" / "runbook.md"
POLICY = ROOT / "policy" / "mangaassist.toml"

by_name = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def prose(text: str) -> str:
    """The text without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document.read_text()), flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def quoted(document: Path) -> list[str]:
    """Each line of shell blocks and each inline code of a document."""
    text = document.read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", prose(text))


@by_name
def test_relative_links_lead_somewhere(document: Path) -> None:
    """Every relative link names a file of the repository, and a heading in it."""
    links = re.findall(r"\]\(([^)\s]+)\)", prose(document.read_text()))
    for link in links:
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = (document.parent / place).resolve() if place else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@by_name
def test_quoted_canary_commands_exist(document: Path) -> None:
    """Every `canary ...` a document quotes is a command, with options that it takes."""
    for line in quoted(document):
        words = line.removeprefix(".venv/bin/").split()
        if words[:1] != ["canary"] or len(words) < 2 or words[1].startswith("("):
            continue
        command: click.Command = canary
        context = click.Context(command)
        for word in words[1:]:
            if not isinstance(command, click.Group):
                break
            found = command.get_command(context, word)
            assert found is not None, line
            command = found
        options = {name for each in command.params for name in each.opts}
        asked = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert asked <= options | {"--help", "--version"}, line


@by_name
def test_quoted_make_targets_exist(document: Path) -> None:
    """Every `make ...` a document quotes is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for line in quoted(document):
        words = line.split()
        if words[:1] == ["make"] and len(words) > 1:
            assert words[1] in targets, line


@by_name
def test_quoted_files_exist(document: Path) -> None:
    """Every file or folder of the repository that a document names by its path is there."""
    rooms = "canary|docs|lambdas|policy|scenarios|scripts|services|stacks|tests"
    for quote in quoted(document):
        if re.fullmatch(rf"(?:{rooms})/[\w./-]+", quote):
            assert (ROOT / quote).exists(), quote


def regions() -> list[CompiledPolicy]:
    """The default policy, compiled for each of its regions."""
    loaded = load_policy(POLICY)
    return [compile_policy(loaded, region.name) for region in loaded.regions]


def alarm_names(policy: CompiledPolicy) -> set[str]:
    """The composites, the triggers' alarms, the shared ones and the backstops of a region."""
    names = {"canary-critical", "canary-warning", "canary-silent", "canary-5xx"}
    names |= {"canary-connection-errors", "canary-no-healthy-host", "rollback-dead-letters"}
    names |= {"rollback-failed", "rollback-late", "report-failed"}
    names |= {"rollback-unanswered", "root-cause-owed"}
    names |= {"bandits-failed", "bandits-late", "events-dropped", "events-late"}
    names |= {"api-target-5xx", "api-balancer-5xx", "api-slow", "api-unhealthy-hosts"}
    names |= {"api-smoke-test", "drill-failed", "drill-late"}
    for trigger in policy.triggers:
        names |= set(alarm_windows(trigger))
        if trigger.statistic == "rate":
            names.add(f"shared-{trigger.name}")
    return names


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    """The runbook's headings name exactly the alarms that the policy's triggers make."""
    headings = re.findall(r"^### (.+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    written = {name for heading in headings for name in re.findall(r"`([^`]+)`", heading)}
    assert written == set.union(*(alarm_names(policy) for policy in regions()))


def test_runbook_names_the_synthesized_alarms() -> None:
    """The alarms of the templates, as their pinned snapshots have them, are those derived here."""
    snapshots = (ROOT / "tests" / "stacks" / "snapshots").glob("*.yaml")
    found = {
        name
        for snapshot in snapshots
        for name in re.findall(r"^      AlarmName: ([\w-]+)$", snapshot.read_text(), re.MULTILINE)
    }
    assert found == alarm_names(regions()[0])


def test_runbook_says_what_each_alarm_does() -> None:
    """A trigger's section says whether it holds or rolls back, as the policy has it."""
    sections = re.split(r"^### ", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
    for trigger in regions()[0].triggers:
        word = {"rollback": "**Rolls back.**", "pause": "**Holds**"}[trigger.on_breach]
        for name in alarm_windows(trigger):
            (section,) = (each for each in sections if f"`{name}`" in each.partition("\n")[0])
            assert word in section, name


def test_phases_are_explained() -> None:
    """The explanation of a release names every phase of the model."""
    text = (ROOT / "docs" / "explanation" / "release.md").read_text()
    assert {phase.value for phase in Phase} <= set(re.findall(r"[A-Z_]{4,}", text))


def test_decisions_are_numbered_and_complete() -> None:
    """Records are numbered without a gap, listed with their titles, and have the four parts."""
    folder = ROOT / "docs" / "decisions"
    records = sorted(folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text()
    for number, record in enumerate(records, 1):
        text = record.read_text()
        title = text.splitlines()[0].removeprefix(f"# {number}. ")
        assert record.name.startswith(f"{number:04d}-")
        assert f"| [{number:04d}]({record.name}) | {title} |" in index
        parts = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
        assert {"Context", "Decision", "Consequences", "Alternatives"} <= set(parts), record.name


def test_how_to_scenario_is_valid() -> None:
    """The example of the how-to guide is a scenario, and the default policy takes its pace."""
    text = (ROOT / "docs" / "how-to" / "write-a-scenario.md").read_text()
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    scenario = validate_scenario({"name": "example", **tomllib.loads(example)})
    assert apply_pace(regions()[0], scenario.pace).changes


def test_the_worlds_page_shows_a_whole_world_that_loads(tmp_path: Path) -> None:
    """Every key that a world may have stands in the example, and the example is sound."""
    text = (ROOT / "docs" / "reference" / "worlds.md").read_text()
    (example,) = re.findall(r"^```toml\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    file = tmp_path / "example.toml"
    file.write_text(example)
    load_world(str(file), compile_policy(load_policy(POLICY), "us-east-1"))
    assert set(World.model_fields) == set(tomllib.loads(example))
    assert set(Change.model_fields) == set(tomllib.loads(example)["candidate"])


def test_the_simulators_figures_in_the_documents_are_those_that_were_measured() -> None:
    """The tables come from the files of figures, and nobody has touched them since."""
    script = str(ROOT / "scripts" / "error_rates.py")
    found = subprocess.run([sys.executable, script, "--check"], capture_output=True, check=False)
    assert found.returncode == 0, found.stdout.decode()
