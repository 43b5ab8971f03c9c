"""What goes into each function and each image: its own files and just the modules they import.

An asset's hash then changes only when code that runs in it changes; for the gateway's image that
is what replaces both task sets, so it must not happen for a change somewhere else. Standard library
only, no network, the same bytes on every machine.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

__all__ = ["PackagingError", "layer_directory", "stage_function", "stage_image", "write_file"]

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
_OWN = ("canary", "services")


class PackagingError(Exception):
    """Something that an asset is made of is missing; the message says what to do."""


def stage_function(folder: str, *, root: Path = ROOT, build: Path = BUILD) -> Path:
    """The directory of function `lambdas/{folder}`, with `handler.py` at its top.

    Raises `PackagingError` when there is no such handler, or it imports a module that is not there.
    """
    source = root / "lambdas" / folder
    if not (source / "handler.py").is_file():
        raise PackagingError(f"lambdas/{folder}/handler.py: there is no such handler")
    files = {path.relative_to(source): path for path in _sources(source)}
    return _store(build / "functions" / folder, files | _closure(files.values(), root))


def stage_image(name: str, *, root: Path = ROOT, build: Path = BUILD) -> Path:
    """The Docker context of `services/{name}`: its Dockerfile and the services' lock at the top.

    Raises `PackagingError` when something of it is missing.
    """
    source = root / "services" / name
    files = {path.relative_to(root): path for path in _sources(source)}
    if not files:
        raise PackagingError(f"services/{name}: there is no such service")
    files |= _closure(files.values(), root) | _packages(source / "x.py", root)
    dockerfile = Path("Dockerfile")
    files[dockerfile] = files.pop(source.relative_to(root) / dockerfile, source / dockerfile)
    lock = Path("requirements.lock")
    files[lock] = root / "services" / lock
    for path in (files[dockerfile], files[lock]):
        if not path.is_file():
            raise PackagingError(f"{path.relative_to(root)}: not found")
    return _store(build / "images" / name, files)


def layer_directory(name: str = "layer", *, build: Path = BUILD) -> Path:
    """A layer that `make setup` has built. Raises `PackagingError` when it was not run."""
    layer = build / name
    if not (build / f"{name}.sha256").is_file() or not (layer / "python").is_dir():
        raise PackagingError(f"{layer}: this layer of the functions is missing: run make setup")
    return layer


def write_file(name: str, text: str, *, build: Path = BUILD) -> Path:
    """Write one generated file below the build directory, whole or not at all."""
    target = build / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file() or target.read_text() != text:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(target)
    return target


def _sources(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def _closure(start: Iterable[Path], root: Path) -> dict[Path, Path]:
    """Every own module that `start` imports, however far, with the data files beside it."""
    found: dict[Path, Path] = {}
    waiting = [path for path in start if path.suffix == ".py"]
    while waiting:
        path = waiting.pop()
        for module in _imports(path):
            for file in _files_of(module, root, path):
                if (relative := file.relative_to(root)) not in found:
                    found[relative] = file
                    if file.suffix == ".py":
                        waiting.append(file)
    return found


def _imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """`(module, name)` of each absolute import of an own package; `name` may be a module too."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names: list[tuple[str, str | None]] = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [(node.module, alias.name) for alias in node.names]
        else:
            continue
        yield from (item for item in names if item[0].split(".")[0] in _OWN)


def _files_of(item: tuple[str, str | None], root: Path, importer: Path) -> Iterator[Path]:
    module, name = item
    place = root.joinpath(*module.split("."))
    candidates = [place.with_suffix(".py"), place / "__init__.py"]
    if name:
        candidates += [place / f"{name}.py", place / name / "__init__.py"]
    files = [path for path in candidates if path.is_file()]
    if not files:
        raise PackagingError(f"{importer.relative_to(root)}: imports {module}, which is not there")
    for file in files:
        yield file
        yield from _packages(file, root).values()
        if file.name != "__init__.py":
            yield from (path for path in file.parent.glob("*.*") if _is_data(path))


def _packages(file: Path, root: Path) -> dict[Path, Path]:
    """The `__init__.py` of each package above `file`."""
    parents = file.relative_to(root).parents
    inits = (root / parent / "__init__.py" for parent in parents if parent.parts)
    return {init.relative_to(root): init for init in inits if init.is_file()}


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix not in {".py", ".pyc"}


def _store(place: Path, files: Mapping[Path, Path]) -> Path:
    """Copy `files` to a directory named by their content, unless it is there already."""
    contents = {str(name): files[name].read_bytes() for name in sorted(files)}
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    target = place / digest.hexdigest()[:16]
    if target.is_dir():
        return target
    place.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=place))
    for name, content in contents.items():
        path = temporary / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    temporary.chmod(0o755)
    try:
        temporary.rename(target)
    except OSError:  # another synthesis was faster
        shutil.rmtree(temporary)
    return target
