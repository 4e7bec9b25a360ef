"""How sure a model was of recorded replies: from per-token figures to the column of a trace, and back."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from shadowprice._types import FloatArray
from shadowprice.beliefs import CONFIDENCE_GRID, SUMMARY, ConfidenceSoFar, summarise

_DIGITS: Final = 3
"""Thousandths of a nat are kept: models that are sure differ in hundredths."""
_MOST: Final = 20.0
"""Nats; what is beyond is not believed of a file."""


def pack_confidence(
    told: Sequence[tuple[float, float]], tokens: Sequence[int], length: int, answer: tuple[int, int]
) -> Mapping[str, list[float | None]] | None:
    """The value of the column `confidence` for one reply; None where nothing was told, or the same of every token.

    Args:
        told: Log-probability of each token and entropy of its choice, nats, in order.
        tokens: Tokens of the reply up to each, rising.
        length: Tokens of the whole reply.
        answer: The tokens that hold the final answer: the count before them, and up to their end.
    """
    if not told:
        return None
    values, place = np.asarray(told, dtype=np.float64), np.asarray(tokens, dtype=np.int64)
    kept = summarise(values, place, length)
    if np.isnan(kept).all():
        return None
    packed = {name: _rounded(kept[:, column]) for column, name in enumerate(SUMMARY)}
    inside = values[(place > answer[0]) & (place <= answer[1])]
    return packed | {"answer": _rounded(_over(inside)) if len(inside) else []}


def confidence_of(table: pa.Table) -> FloatArray | None:
    """The column as ``(m, K, 4)`` summaries at `CONFIDENCE_GRID`; None where it is missing, or says nothing.

    A file says at most 20 nats; what is no number is not known.
    """
    if "confidence" not in table.column_names or table["confidence"].null_count == table.num_rows:
        return None
    column = table["confidence"].combine_chunks()
    found = np.full((table.num_rows, len(CONFIDENCE_GRID), len(SUMMARY)), np.nan)
    for number, name in enumerate(SUMMARY):
        for row, values in enumerate(column.field(name).to_pylist()):
            if values and column[row].is_valid:
                some = np.array(values[: len(CONFIDENCE_GRID)], dtype=np.float64)
                found[row, : len(some), number] = np.clip(some, -_MOST, _MOST)
    # What is only half known of a moment is not known.
    found[np.isnan(found).any(axis=2)] = np.nan
    return found


def _over(told: FloatArray) -> FloatArray:
    """Mean log-probability, that of the least sure stretch, and mean entropy of some tokens."""
    some = ConfidenceSoFar(1)
    some.update(0, len(told), told)
    return np.array([told[:, 0].mean(), some.lowest(0), told[:, 1].mean()])


def _rounded(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), _DIGITS) for value in values]
