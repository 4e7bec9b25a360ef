"""Vectors of questions that somebody else computed: whose they are, and whom they are found for."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shadowprice._errors import InputError

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """n vectors, each of one question: for example hidden states of the model that serves it, or embeddings.

    Raises:
        InputError: They are not one finite vector for each, a name stands twice, or there is neither id nor text.
    """

    values: npt.NDArray[Any]
    """``(n, d)`` numbers; kept in single precision."""
    query_ids: Sequence[str] = ()
    """``(n,)`` ids of the questions; empty where only their texts are known."""
    questions: Sequence[str] = ()
    """``(n,)`` texts of the questions; empty where only their ids are known."""
    name: str = "vectors"
    """What messages call them: a file."""

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):  # what is too large is told of below
            values = np.asarray(self.values, dtype=np.float32)
        object.__setattr__(self, "values", values)
        if values.ndim != 2 or not values.shape[0] or not values.shape[1]:
            raise InputError(
                f"{self.name}: vectors must be a table, a row for each question, not shape {values.shape}."
            )
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if bad.size:
            raise InputError(
                f"{self.name}, row {int(bad[0])}: the vector holds a number that is not finite in single precision; "
                "compute it anew, or leave the row out."
            )
        if not len(self.query_ids) and not len(self.questions):
            raise InputError(f"{self.name} does not say whose vectors they are; add query_id, question or both.")
        for what, names in (("query_id", self.query_ids), ("question", self.questions)):
            if len(names) not in (0, len(values)):
                raise InputError(
                    f"{self.name} has {len(values)} vectors, but {len(names)} of {what}; give one for each."
                )
        self._check_names("query_id", self.query_ids)
        if not len(self.query_ids):
            self._check_names("question", self.questions)

    def __repr__(self) -> str:
        return f"Vectors({len(self):,} of {self.width:,} numbers, from {self.name})"

    def __len__(self) -> int:
        """Number of vectors, n."""
        return len(self.values)

    @property
    def width(self) -> int:
        """Numbers in each vector, d."""
        return int(self.values.shape[1])

    def match(self, asked: Iterable[tuple[str, str]]) -> "Matched":
        """Find the vectors of questions, by text and then by id.

        An id counts only where the file does not name another text for it: ids such as `q1` are given to other
        questions in every file.

        Args:
            asked: Query id and text of each question; questions with the same text are one.
        """
        by_text = {text.strip(): row for row, text in reversed(list(enumerate(self.questions))) if text.strip()}
        by_id = {name: row for row, name in enumerate(self.query_ids)}
        rows: dict[str, int] = {}
        seen: set[str] = set()
        texts = names = 0
        doubtful: list[str] = []
        for name, text in asked:
            if text in seen:
                continue
            seen.add(text)
            row, known = by_text.get(text.strip()), by_id.get(name)
            if row is not None:
                rows[text], texts = row, texts + 1
            elif known is not None and self._names_another(known):
                doubtful.append(name)
            elif known is not None:
                rows[text], names = known, names + 1
        return Matched(self, rows, len(seen), texts, names, tuple(doubtful))

    def _names_another(self, row: int) -> bool:
        """Whether a row that was not found by text has a text."""
        return bool(len(self.questions)) and bool(self.questions[row].strip())

    def _check_names(self, what: str, names: Sequence[str]) -> None:
        first: dict[str, int] = {}
        for row, name in enumerate(names):
            if first.setdefault(name, row) != row:
                raise InputError(
                    f"{self.name}, row {row}: {what} '{name[:60]}' has a vector in row {first[name]} already; give "
                    "each question once."
                )


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Which vector each of some questions has."""

    vectors: Vectors
    rows: dict[str, int]
    """Row of the vector, by the question's text; questions without one are not there."""
    asked: int
    """Different questions that were looked for."""
    by_text: int
    by_id: int
    doubtful: tuple[str, ...]
    """Ids that are there, but with another text, so that their vectors were not taken."""

    @property
    def mark(self) -> str:
        """Tells the vectors of these questions from others."""
        digest = hashlib.sha256()
        for text, row in self.rows.items():
            digest.update(text.encode("utf-8", "replace") + b"\0" + self.vectors.values[row].tobytes())
        return f"sha256 {digest.hexdigest()[:32]}"

    @property
    def sentence(self) -> str:
        """How many have one, and what becomes of the others."""
        ways = [f"{count:,} by {how}" for count, how in ((self.by_text, "text"), (self.by_id, "id")) if count]
        found = f" ({', '.join(ways)})" if ways else ""
        told = (
            f"{self.vectors.name} holds vectors of {self.vectors.width:,} numbers for {len(self.rows):,} of "
            f"{self.asked:,} questions{found}"
        )
        missing = self.asked - len(self.rows)
        told += "." if not missing else f"; the other {missing:,} are believed by their texts alone."
        if self.doubtful:
            told += (
                f" {len(self.doubtful):,} were not taken, as their ids stand for other texts there: '"
                f"{self.doubtful[0][:60]}' is one."
            )
        return told
