"""The services' images: what each context holds is all that its service imports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stacks.assembly import REGION, ROOT, Assembly

IMPORTS_ALONE = """
import sys
sys.path.insert(0, {path!r})
import services.{service}.app as service
assert callable(service.app)
own = {{"canary", "services", "stacks", "lambdas"}}
loaded = [module for name, module in sys.modules.items() if name.split(".")[0] in own]
strangers = [each.__file__ for each in loaded if not each.__file__.startswith({path!r})]
assert not strangers, strangers
"""


def context(assembly: Assembly, service: str) -> Path:
    folder = assembly.path / f"assembly-{REGION}"
    (file,) = folder.glob(f"*{service.capitalize()}*.assets.json")
    (image,) = json.loads(file.read_text())["dockerImages"].values()
    return (folder / image["source"]["directory"]).resolve()


@pytest.mark.parametrize("service", ["api", "gateway"])
def test_an_image_s_service_imports_alone(assembly: Assembly, service: str) -> None:
    """Nothing of the repository but what was copied is needed."""
    path = str(context(assembly, service))
    result = subprocess.run(
        [sys.executable, "-I", "-B", "-c", IMPORTS_ALONE.format(path=path, service=service)],
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": REGION},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("service", ["api", "gateway"])
def test_an_image_installs_what_its_service_imports(assembly: Assembly, service: str) -> None:
    """Every package outside the standard library that a context imports is in the lock."""
    path = context(assembly, service)
    locked = {
        re.split(r"[=\[]", line)[0]
        for line in (path / "requirements.lock").read_text().splitlines()
        if re.match(r"[a-z]", line)
    }
    imported = {
        name
        for file in path.rglob("*.py")
        for name in re.findall(r"^\s*(?:import|from) (\w+)", file.read_text(), flags=re.MULTILINE)
    }
    outside = imported - set(sys.stdlib_module_names) - {"canary", "services"}
    assert outside <= locked
    assert (path / "Dockerfile").read_bytes() == (
        ROOT / "services" / service / "Dockerfile"
    ).read_bytes()
