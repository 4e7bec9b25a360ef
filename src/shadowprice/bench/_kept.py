"""Forecasts are fitted once: kept in the cache folder by the content of everything that they are made of."""

import hashlib
import importlib.metadata
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shadowprice._atomic import write_whole
from shadowprice._cache import cache_path
from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Outcomes, Past
from shadowprice.bench._recipe import Forecasts, Recipe
from shadowprice.traces import RecordedOutlook, Traces

if TYPE_CHECKING:
    from shadowprice.beliefs.encoders import Matched

_COLUMNS: Final = (
    "question",
    "completion",
    "correct",
    "answer_tokens",
    "completion_tokens",
    "finish_reason",
    "confidence",
)
"""What forecasts depend on."""
_SOURCES: Final = ("beliefs", "curves", "traces", "bench/_forecasts.py", "bench/_recipe.py")
_LIBRARIES: Final = ("numpy", "scipy", "scikit-learn")
_MOST: Final = 24
"""Forecasts that are kept; the oldest go first."""


def kept_forecast(
    traces: Traces,
    recipe: Recipe = Recipe(),  # noqa: B008  # immutable
    *,
    source: Traces | None = None,
    others: Sequence[Traces] = (),
    features: "Matched | None" = None,
    past: Past | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Forecasts:
    """`forecast`, or what it gave before for the same traces, recipe, code and libraries.

    Files lie under ``SHADOWPRICE_CACHE`` or the user's cache folder; delete them at will. Where nothing can be written,
    nothing is kept.
    """
    path = forecasts_folder() / f"{_key(traces, recipe, source, others, features, past)}.npz"
    try:
        found = _read(path)
        os.utime(path)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # not there, or damaged: made anew
        from shadowprice.bench._forecasts import forecast  # scikit-learn comes with it

        found = forecast(traces, recipe, source=source, others=others, features=features, past=past, advance=advance)
        _write(found, path)
    return found


def forecasts_folder() -> Path:
    """The folder of kept forecasts."""
    return cache_path() / "forecasts"


def _key(
    traces: Traces,
    recipe: Recipe,
    source: Traces | None,
    others: Sequence[Traces],
    features: "Matched | None",
    past: Past | None,
) -> str:
    parts = [repr(recipe).encode(), _code(), _content(traces)]
    parts.append(b"" if source is None else _content(source))
    parts += [_content(other) for other in others]
    if features is not None:
        parts += [features.mark.encode()]
    if past is not None:
        parts += [repr(past.mark).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


def _content(traces: Traces) -> bytes:
    table = traces.table.select([name for name in _COLUMNS if name in traces.table.column_names]).combine_chunks()
    digest = hashlib.sha256(traces.query.tobytes() + traces.evidence.weight.tobytes())
    for name in table.column_names:
        digest.update(name.encode())
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, pa.schema([pa.field(name, table[name].type)])) as stream:
            stream.write_table(pa.table({name: table[name]}))
        digest.update(sink.getvalue())
    return digest.digest()


@cache
def _code() -> bytes:
    """Everything that beliefs are computed by."""
    digest = hashlib.sha256()
    for library in _LIBRARIES:
        digest.update(f"{library} {importlib.metadata.version(library)}".encode())
    for name in _SOURCES:
        for file in _modules(resources.files("shadowprice") / name):
            digest.update(file.read_bytes())
    return digest.digest()


def _modules(place: Traversable) -> Iterator[Traversable]:
    """A module, or all those in a folder and in the folders in it."""
    if place.is_dir():
        for inside in sorted(place.iterdir(), key=lambda inside: inside.name):
            yield from _modules(inside)
    elif place.name.endswith(".py"):
        yield place


_BELIEFS: Final = ("threshold", "alpha", "beta")
_OUTCOMES: Final = ("tokens", "right", "finished")
_OUTLOOK: Final = ("first", "count", "right", "finished")


def _write(found: Forecasts, path: Path) -> None:
    arrays: dict[str, NDArray[Any]] = {}

    def keep(prefix: str, part: object, fields: tuple[str, ...]) -> None:
        if part is not None:
            arrays.update({f"{prefix}_{field}": getattr(part, field) for field in fields})

    for name, beliefs in (("thresholds", found.thresholds), ("outcomes", found.outcomes)):
        keep(name, beliefs, _BELIEFS)
        keep(name, None if beliefs is None else beliefs.outcomes, _OUTCOMES)
    keep("outlook", found.outlook, _OUTLOOK)
    keep("before", None if found.outlook is None else found.outlook.before, _OUTCOMES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(path) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        for old in sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime)[:-_MOST]:
            old.unlink(missing_ok=True)
    except (InputError, OSError):
        return


def _read(path: Path) -> Forecasts:
    with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
        arrays = dict(file)

    def part(prefix: str, fields: tuple[str, ...]) -> list[NDArray[Any]] | None:
        return [arrays[f"{prefix}_{field}"] for field in fields] if f"{prefix}_{fields[0]}" in arrays else None

    def outcomes(prefix: str) -> Outcomes | None:
        return Outcomes(*fields) if (fields := part(prefix, _OUTCOMES)) else None

    def beliefs(prefix: str) -> Beliefs | None:
        if (fields := part(prefix, _BELIEFS)) is None:
            return None
        threshold, alpha, beta = fields
        return Beliefs(threshold, alpha, beta, outcomes(prefix))

    before, tables = outcomes("before"), part("outlook", _OUTLOOK)
    outlook = None if before is None or tables is None else RecordedOutlook(before, *tables)
    return Forecasts(beliefs("thresholds"), beliefs("outcomes"), outlook)
