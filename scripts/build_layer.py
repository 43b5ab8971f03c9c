"""Makes .build/layer and .build/plots-layer: the wheels that the layered functions import.

Functions run on Python 3.13 and arm64 whatever this machine is, so wheels are chosen for that
platform and nothing is compiled. A layer that already has its lock's content is left as it is.
`--lock` first resolves anew what the functions and the services import.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sysconfig.get_path("scripts")) / "uv"
PLATFORM = ("--python-version", "3.13", "--python-platform", "aarch64-manylinux_2_28")
NEVER_IMPORTED = (
    "numpy/**/tests",
    "matplotlib/**/tests",
    "mpl_toolkits/**/tests",
    "matplotlib/mpl-data/sample_data",
)


@dataclass(frozen=True)
class Layer:
    """One layer: its directory below .build, and its lock.

    Versions are those of the locks in `alike`; what another layer brings is left out.
    """

    name: str
    lock: Path
    alike: tuple[Path, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def place(self) -> Path:
        """What becomes the layer's asset."""
        return ROOT / ".build" / self.name

    @property
    def done(self) -> Path:
        """Holds the lock's digest once the layer is whole."""
        return ROOT / ".build" / f"{self.name}.sha256"


FUNCTIONS = Layer("layer", ROOT / "lambdas" / "layer-requirements.lock")
PLOTS = Layer(
    "plots-layer",
    ROOT / "lambdas" / "plots-requirements.lock",
    alike=(FUNCTIONS.lock, ROOT / "requirements.txt"),
    without=("numpy", "tzdata"),
)
LAYERS = (FUNCTIONS, PLOTS)
SERVICES = Layer("services", ROOT / "services" / "requirements.lock")
"""Locked here too; its image installs it."""


def main() -> int:
    """Lock if asked, then build each layer that is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", action="store_true", help="resolve the requirements anew")
    if parser.parse_args().lock:
        for layer in (*LAYERS, SERVICES):
            _resolve(layer)
    for layer in LAYERS:
        _build(layer)
    return 0


def _build(layer: Layer) -> None:
    wanted = hashlib.sha256(layer.lock.read_bytes()).hexdigest()
    if layer.place.is_dir() and layer.done.is_file() and layer.done.read_text() == wanted:
        return
    layer.done.unlink(missing_ok=True)
    shutil.rmtree(layer.place, ignore_errors=True)
    _install(layer.lock, layer.place / "python")
    layer.done.write_text(wanted)


def _resolve(layer: Layer) -> None:
    command = (UV, "pip", "compile", "--quiet", "--generate-hashes", "--no-emit-index-url")
    header = ("--custom-compile-command", "scripts/build_layer.py --lock")
    wheels = ("--only-binary", ":all:")
    lock = layer.lock.relative_to(ROOT)
    alike = [word for path in layer.alike for word in ("-c", path.relative_to(ROOT))]
    left_out = [word for name in layer.without for word in ("--no-emit-package", name)]
    places = (lock.with_suffix(".txt"), "-o", lock)
    steps = [*command, *header, *wheels, *PLATFORM, *alike, *left_out, *places]
    subprocess.run(steps, cwd=ROOT, check=True)


def _install(lock: Path, target: Path) -> None:
    command = (UV, "pip", "install", "--quiet", "--target", target, "--only-binary", ":all:")
    pinned = ("--no-deps", "--require-hashes", "-r", lock)
    subprocess.run([*command, *PLATFORM, *pinned], check=True)
    # What differs from machine to machine, or is never imported, must not change the asset.
    shutil.rmtree(target / "bin", ignore_errors=True)
    for name in ("RECORD", "INSTALLER", "REQUESTED", "uv_cache.json", "direct_url.json", ".lock"):
        for path in sorted(target.rglob(name)):
            path.unlink()
    for path in sorted(target.rglob("__pycache__"), reverse=True):
        shutil.rmtree(path)
    for pattern in NEVER_IMPORTED:
        for path in sorted(target.glob(pattern), reverse=True):
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
