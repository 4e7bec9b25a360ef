"""Vectors that a slow encoder has computed once, by the hash of the text."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from shadowprice._cache import cache_path
from shadowprice._types import FloatArray

_BATCH: Final = 32
"""Texts that are computed, and then kept, at a time: what a crash loses."""
_WAIT: Final = 60.0


def kept_vectors(name: str, texts: Sequence[str], compute: Callable[[list[str]], FloatArray]) -> FloatArray:
    """Vectors ``(n, d)`` of n texts, from the cache folder where they have been computed before.

    Only hashes of the texts are kept. Where nothing can be written, nothing is kept.

    Args:
        name: Of whatever the vectors depend on besides the text; it is hashed.
        texts: The texts, at least one.
        compute: Gives the vectors of some texts.
    """
    keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
    texts_of = dict(zip(keys, texts, strict=True))
    try:
        store = _open(vectors_folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.sqlite")
    except (OSError, sqlite3.Error):
        store = sqlite3.connect(":memory:")
        store.execute(_TABLE)
    with closing(store):
        found = _look_up(store, texts_of)
        missing = [key for key in texts_of if key not in found]
        for start in range(0, len(missing), _BATCH):
            some = missing[start : start + _BATCH]
            # As they will be read, so that the first answer is the same as the next.
            vectors = np.asarray(compute([texts_of[key] for key in some]), dtype=np.float32)
            found.update(zip(some, vectors.astype(np.float64), strict=True))
            _keep(store, some, vectors)
    return np.array([found[key] for key in keys])


def vectors_folder() -> Path:
    """The folder of kept vectors."""
    return cache_path() / "vectors"


_TABLE: Final = "CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    store = sqlite3.connect(path, timeout=_WAIT)
    try:
        store.execute(_TABLE)
    except sqlite3.DatabaseError:
        store.close()
        raise
    return store


def _look_up(store: sqlite3.Connection, keys: Iterable[bytes]) -> dict[bytes, FloatArray]:
    found: dict[bytes, FloatArray] = {}
    try:
        for key in keys:
            row = store.execute("SELECT vector FROM vectors WHERE text = ?", (key,)).fetchone()
            if row is not None:
                found[key] = np.frombuffer(row[0], dtype=np.float32).astype(np.float64)
    except sqlite3.Error:  # damaged: what cannot be read is computed again
        return {}
    return found


def _keep(store: sqlite3.Connection, keys: Sequence[bytes], vectors: FloatArray) -> None:
    rows = [(key, vector.tobytes()) for key, vector in zip(keys, vectors, strict=True)]
    try:
        with store:
            store.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
    except sqlite3.Error:  # a full disk: they are computed again next time
        return
