"""Vectors that somebody else computed."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._parquet import read_parquet
from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder, checked_vectors


class ArrayEncoder(AbstractEncoder):
    """Looks up each question's vector, for example a hidden state of the model that serves it.

    Args:
        questions: ``(n,)`` problem texts, all different.
        vectors: ``(n, d)`` their vectors, finite.
    """

    def __init__(self, questions: Sequence[str], vectors: ArrayLike) -> None:
        self.questions = questions
        self.vectors = vectors

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)`` of questions that are known.

        Raises:
            InputError: A question is not known, or the vectors that were given are not one finite vector for each.
        """
        vectors = checked_vectors(np.asarray(self.vectors, dtype=np.float64), len(self.questions), "ArrayEncoder")
        place = {text: number for number, text in enumerate(self.questions)}
        if len(place) < len(self.questions):
            raise InputError("ArrayEncoder holds two vectors for one question; give each question once.")
        try:
            return vectors[[place[text] for text in questions]]
        except KeyError as error:
            raise InputError(
                f"There is no vector for the question '{str(error.args[0])[:60]}'; add it to the array."
            ) from error

    def transform(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)`` of n questions that are known."""
        texts = list(questions) or list(self.questions[:1])
        return self.encode(texts)[: len(questions)]


def read_vectors(path: str | os.PathLike[str]) -> ArrayEncoder:
    """Read vectors from a Parquet file with the columns question (text) and vector (a list of numbers).

    Raises:
        InputError: The file is missing or damaged, lacks a column, or a row is not a finite vector as long as the
            others.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source}: no such file; give a Parquet file with the columns question and vector.")
    table = read_parquet(source, source, ["question", "vector"])
    missing = [name for name in ("question", "vector") if name not in table.column_names]
    if missing:
        raise InputError(f"{source} lacks the column {missing[0]}; it needs question (text) and vector (numbers).")
    if not table.num_rows:
        raise InputError(f"{source} holds no rows; write one vector for each question.")
    questions = table["question"].to_pylist()
    rows = table["vector"].to_pylist()
    for number, (question, row) in enumerate(zip(questions, rows, strict=True)):
        if not isinstance(question, str):
            raise InputError(f"{source}, row {number}: question is no text; give the problem text.")
        if not isinstance(row, list) or not row or len(row) != len(rows[0]) or not _finite(row):
            raise InputError(f"{source}, row {number}: vector must be {_size(rows[0])} finite numbers, as in row 0.")
    if len(set(questions)) < len(questions):
        twice = next(number for number, text in enumerate(questions) if questions.index(text) < number)
        raise InputError(f"{source}, row {twice}: this question already has a vector; give each question once.")
    return ArrayEncoder(questions, np.array(rows, dtype=np.float64))


def _finite(row: list[object]) -> bool:
    return all(isinstance(value, int | float) and np.isfinite(value) for value in row)


def _size(row: object) -> str:
    return str(len(row)) if isinstance(row, list) and row else "some"
