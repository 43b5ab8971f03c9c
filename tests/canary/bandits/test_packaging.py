"""Functions carry numpy and no scipy, so no bandit may import it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

from canary import bandits


def test_no_module_of_the_bandits_brings_scipy_or_pandas() -> None:
    """Imported together in a fresh process; a function's layer has neither."""
    names = [f"canary.bandits.{each.name}" for each in pkgutil.iter_modules(bandits.__path__)]
    assert len(names) > 10
    script = (
        f"import importlib, sys; [importlib.import_module(name) for name in {names!r}];"
        "print([name for name in ('scipy', 'pandas', 'boto3') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"
