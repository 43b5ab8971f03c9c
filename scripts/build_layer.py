"""Makes .build/layer: the wheels that the layered functions import, for Lambda's own platform.

Functions run on Python 3.13 and arm64 whatever this machine is, so wheels are chosen for that
platform and nothing is compiled. A layer that already has the lock's content is left as it is.
`--lock` first resolves anew what the functions and the services import.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "lambdas" / "layer-requirements.lock"
LOCKS = (LOCK, ROOT / "services" / "requirements.lock")
LAYER = ROOT / ".build" / "layer"
DONE = ROOT / ".build" / "layer.sha256"
UV = Path(sysconfig.get_path("scripts")) / "uv"
PLATFORM = ("--python-version", "3.13", "--python-platform", "aarch64-manylinux_2_28")


def main() -> int:
    """Lock if asked, then build unless the layer is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", action="store_true", help="resolve the requirements anew")
    if parser.parse_args().lock:
        for lock in LOCKS:
            _resolve(lock)
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if LAYER.is_dir() and DONE.is_file() and DONE.read_text() == wanted:
        return 0
    DONE.unlink(missing_ok=True)
    shutil.rmtree(LAYER, ignore_errors=True)
    _install(LAYER / "python")
    DONE.write_text(wanted)
    return 0


def _resolve(lock: Path) -> None:
    command = (UV, "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url")
    header = ("--custom-compile-command", "scripts/build_layer.py --lock")
    wheels = ("--only-binary", ":all:")
    places = (lock.with_suffix(".txt").relative_to(ROOT), "-o", lock.relative_to(ROOT))
    subprocess.run([*command, *header, *wheels, *PLATFORM, *places], cwd=ROOT, check=True)


def _install(target: Path) -> None:
    command = (UV, "pip", "install", "--quiet", "--target", target, "--only-binary", ":all:")
    pinned = ("--no-deps", "--require-hashes", "-r", LOCK)
    subprocess.run([*command, *PLATFORM, *pinned], check=True)
    # What differs from machine to machine, or is never imported, must not change the asset.
    shutil.rmtree(target / "bin", ignore_errors=True)
    for name in ("RECORD", "INSTALLER", "REQUESTED", "uv_cache.json", "direct_url.json", ".lock"):
        for path in sorted(target.rglob(name)):
            path.unlink()
    for path in sorted(target.rglob("__pycache__"), reverse=True):
        shutil.rmtree(path)
    for path in sorted(target.glob("numpy/**/tests"), reverse=True):
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
