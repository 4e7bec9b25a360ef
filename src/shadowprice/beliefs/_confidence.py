"""How sure a model has been so far of a reply that it is still writing, at the token counts of beliefs.

A server that gives log-probabilities tells of each token how likely it was, and the entropy of the choice. One compiled
pass keeps their sums, the least sure stretch, and what they were at each token count of `CONFIDENCE_GRID`; a moment
knows what was known at the last of them. The same pass runs over a reply that is recorded and over one that is live, so
both say the same.
"""

# Numba types its functions by their arguments, and its decorator is untyped.
# mypy: disable-error-code="untyped-decorator"
from typing import Any, Final

import numpy as np
from numba import njit

from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs._evidence import Evidence

CONFIDENCE_GRID: Final[FloatArray] = np.round(8.0 * 2.0 ** (np.arange(-3, 40) / 3.0))
"""Token counts at which it is kept: those of beliefs, 8·2^(k/3), and three below them."""
SUMMARY: Final = ("mean", "lowest", "entropy", "slope")
"""What is kept at each, in nats: mean log-probability so far, mean over the least sure stretch of 16 tokens, mean
entropy so far, and how much more of it the tokens since half the count have than those before them.
"""
_STRETCH: Final = 16
_NEARLY: Final = 1e-3
_OCTAVE: Final = 3
"""Points of the grid to a doubling."""
_COUNT, _LOGPROBS, _ENTROPIES, _STRETCHED, _LOWEST, _FIRST, _VARIES, _NEXT = range(8)
_STATE: Final = 8


class ConfidenceSoFar:
    """How sure a model has been of n running replies, kept up to date piece by piece.

    Args:
        size: Number of replies, n.
    """

    def __init__(self, size: int) -> None:
        self._state = np.zeros((size, _STATE))
        self._ring = np.zeros((size, _STRETCH))
        self._kept = np.full((size, len(CONFIDENCE_GRID), len(SUMMARY)), np.nan)
        self._sums = np.zeros((size, len(CONFIDENCE_GRID), 2))

    def __len__(self) -> int:
        return len(self._state)

    def restart(self, rows: IntArray) -> None:
        """Forget some rows, so that other replies can take their places."""
        for state in (self._state, self._ring, self._sums):
            state[rows] = 0.0
        self._kept[rows] = np.nan

    def grow(self, size: int) -> None:
        """Make room for more replies; those that are followed stay where they are."""
        more = size - len(self)
        for name in ("_state", "_ring", "_sums", "_kept"):
            state = getattr(self, name)
            filled = np.full((more, *state.shape[1:]), np.nan if name == "_kept" else 0.0)
            setattr(self, name, np.concatenate([state, filled]))

    def update(self, row: int, tokens: int, told: FloatArray) -> None:
        """Take in what was told of a reply's latest tokens.

        Args:
            row: The reply.
            tokens: Tokens that it has come to with them.
            told: ``(k, 2)`` log-probability of each and entropy of its choice, nats, in order.
        """
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} is beyond {len(self)} replies")
        _hear(told, tokens, CONFIDENCE_GRID, self._state[row], self._ring[row], self._sums[row], self._kept[row])

    def lowest(self, row: int) -> float:
        """Mean log-probability over the least sure stretch of what a reply has come to."""
        return float(self._state[row, _LOWEST])

    def at(self, rows: IntArray, tokens: FloatArray) -> FloatArray:
        """What is known ``(m, 4)`` of some replies after so many tokens, columns as in `SUMMARY`; NaN where nothing."""
        for row, count in zip(rows, tokens, strict=True):
            _keep(float(count) + 1.0, CONFIDENCE_GRID, self._state[row], self._sums[row], self._kept[row])
        return summary_at(self._kept[rows], tokens)


def summarise(told: FloatArray, tokens: IntArray, length: int) -> FloatArray:
    """What is known ``(K, 4)`` of a whole reply at each token count that it reached; NaN where nothing.

    Args:
        told: ``(k, 2)`` log-probability of each token and entropy of its choice, nats, in order.
        tokens: ``(k,)`` tokens of the reply up to each, rising.
        length: Tokens of the whole reply.
    """
    one = ConfidenceSoFar(1)
    for end, values in zip(tokens, told, strict=True):
        one.update(0, int(end), values[np.newaxis])
    one.at(np.array([0]), np.array([float(length)]))
    kept: FloatArray = one._kept[0, length >= CONFIDENCE_GRID]
    return kept


def summary_at(kept: FloatArray, tokens: FloatArray) -> FloatArray:
    """Of ``(m, K, 4)`` summaries, those ``(m, 4)`` at the last point of the grid that each reply has reached."""
    place = np.searchsorted(CONFIDENCE_GRID[: kept.shape[1]], tokens, side="right") - 1
    found = kept[np.arange(len(kept)), np.maximum(place, 0)]
    found[place < 0] = np.nan
    return found


def known_confidence(evidence: Evidence, reply: IntArray, tokens: FloatArray) -> FloatArray | None:
    """What was known ``(p, 4)`` of recorded replies after so many tokens; NaN where nothing, None where of none."""
    return None if evidence.confidence is None else summary_at(evidence.confidence[reply], tokens)


def sureness(summary: FloatArray) -> FloatArray:
    """Features ``(p, 4)`` of summaries: what is never below 0 in logarithms, as sure models differ in thousandths."""
    mean, lowest, entropy, slope = summary.T
    logs = [np.log(np.maximum(value, 0.0) + _NEARLY) for value in (-mean, -lowest, entropy)]
    return np.column_stack([*logs, slope])


@njit(cache=True, nogil=True)
def _hear(told: Any, tokens: int, grid: Any, state: Any, ring: Any, sums: Any, kept: Any) -> None:
    for number in range(len(told)):
        _keep(tokens - len(told) + number + 1.0, grid, state, sums, kept)
        logprob, entropy = told[number, 0], told[number, 1]
        count = int(state[_COUNT])
        if count == 0:
            state[_FIRST] = logprob
        elif logprob != state[_FIRST]:
            state[_VARIES] = 1.0
        state[_STRETCHED] += logprob - ring[count % _STRETCH]
        ring[count % _STRETCH] = logprob
        state[_COUNT] += 1.0
        state[_LOGPROBS] += logprob
        state[_ENTROPIES] += entropy
        mean = state[_STRETCHED] / min(count + 1, _STRETCH)
        state[_LOWEST] = mean if count < _STRETCH else min(state[_LOWEST], mean)


@njit(cache=True, nogil=True)
def _keep(tokens: float, grid: Any, state: Any, sums: Any, kept: Any) -> None:
    """Keep what is known at the points of the grid before a token with this number."""
    while state[_NEXT] < len(grid) and grid[int(state[_NEXT])] < tokens:
        place = int(state[_NEXT])
        state[_NEXT] += 1.0
        count, entropies = state[_COUNT], state[_ENTROPIES]
        sums[place, 0], sums[place, 1] = count, entropies
        # A server that says the same of every token says nothing: llama.cpp gives 0.0 where it decodes speculatively.
        if state[_VARIES] == 0.0:
            continue
        kept[place, 0] = state[_LOGPROBS] / count
        kept[place, 1] = state[_LOWEST]
        kept[place, 2] = entropies / count
        before, sooner = (sums[place - _OCTAVE, 0], sums[place - _OCTAVE, 1]) if place >= _OCTAVE else (0.0, 0.0)
        # How much more entropy the last doubling has than what came before it.
        kept[place, 3] = 0.0
        if 0.0 < before < count:
            kept[place, 3] = (entropies - sooner) / (count - before) - sooner / before
