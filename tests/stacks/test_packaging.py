"""How a function's and an image's files are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from stacks.packaging import PackagingError, layer_directory, stage_function, stage_image


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    files = {
        "lambdas/act/handler.py": "from canary.aws import clock\nimport canary.policy.compiled\n",
        "lambdas/act/words.txt": "words",
        "canary/__init__.py": "",
        "canary/aws/__init__.py": "",
        "canary/aws/clock.py": "def f():\n    from canary.aws.deep import thing\n",
        "canary/aws/deep.py": "",
        "canary/aws/unused.py": "import numpy\n",
        "canary/policy/__init__.py": "",
        "canary/policy/compiled.py": "",
        "canary/policy/model.py": "import pydantic\n",
        "services/__init__.py": "",
        "services/requirements.lock": "x==1\n",
        "services/api/__init__.py": "",
        "services/api/app.py": "from canary.aws import clock\n",
        "services/api/Dockerfile": "FROM x\n",
        "services/gateway/app.py": "",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_function_has_its_own_files_and_just_what_they_import(checkout: Path) -> None:
    """However deep the import, and with the packages' own files; nothing else of a package."""
    staged = stage_function("act", root=checkout, build=checkout / "build")
    assert names(staged) == {
        "handler.py",
        "words.txt",
        "canary/__init__.py",
        "canary/aws/__init__.py",
        "canary/aws/clock.py",
        "canary/aws/deep.py",
        "canary/policy/__init__.py",
        "canary/policy/compiled.py",
    }


def test_an_image_s_context_has_its_service_and_not_the_other(checkout: Path) -> None:
    """The Dockerfile and the lock stand at the top, where it looks for them."""
    staged = stage_image("api", root=checkout, build=checkout / "build")
    assert names(staged) == {
        "Dockerfile",
        "requirements.lock",
        "canary/__init__.py",
        "canary/aws/__init__.py",
        "canary/aws/clock.py",
        "canary/aws/deep.py",
        "services/__init__.py",
        "services/api/__init__.py",
        "services/api/app.py",
    }


def test_only_a_change_of_what_it_contains_moves_an_asset(checkout: Path) -> None:
    """A gateway image replaces both task sets, so nothing else may change it."""
    before = stage_function("act", root=checkout, build=checkout / "build")
    (checkout / "canary/aws/unused.py").write_text("changed = True\n")
    assert stage_function("act", root=checkout, build=checkout / "build") == before
    (checkout / "canary/aws/deep.py").write_text("changed = True\n")
    assert stage_function("act", root=checkout, build=checkout / "build") != before


def test_what_is_missing_is_named(checkout: Path) -> None:
    """No handler, no module, no service, no layer: each says what to look at."""
    build = checkout / "build"
    with pytest.raises(PackagingError, match=r"lambdas/none/handler.py"):
        stage_function("none", root=checkout, build=build)
    (checkout / "lambdas/act/handler.py").write_text("from canary.gone import x\n")
    with pytest.raises(PackagingError, match=r"lambdas/act/handler.py: imports canary.gone"):
        stage_function("act", root=checkout, build=build)
    with pytest.raises(PackagingError, match=r"services/gateway/Dockerfile"):
        stage_image("gateway", root=checkout, build=build)
    with pytest.raises(PackagingError, match=r"services/none"):
        stage_image("none", root=checkout, build=build)
    with pytest.raises(PackagingError, match="run make setup"):
        layer_directory(build=build)
