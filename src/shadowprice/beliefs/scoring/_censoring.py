"""How likely a reply is still watched: the censoring distribution, and the weights that undo it."""

from dataclasses import dataclass

import numpy as np

from shadowprice._types import BoolArray, FloatArray
from shadowprice.beliefs._evidence import Evidence


@dataclass(frozen=True, slots=True)
class Censoring:
    """Kaplan and Meier's estimate of G(t) = P(a reply has not been cut off by t tokens).

    A reply ends with its right answer or, if that does not come, with its last token; at equal token counts, ends
    come before cuts. Where no reply was cut off, G is 1 everywhere.
    """

    tokens: FloatArray
    """``(c,)`` token counts at which replies were cut off, rising."""
    watched: FloatArray
    """``(c,)`` G right after each of them."""

    @classmethod
    def of(cls, evidence: Evidence) -> "Censoring":
        """Estimate it from replies."""
        end, weight = ends(evidence), evidence.weight
        cuts = np.unique(end[evidence.censored])
        order = np.argsort(end, kind="stable")
        beyond = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0)
        later = beyond[np.searchsorted(end[order], cuts, side="right")]
        cut = np.bincount(np.searchsorted(cuts, end[evidence.censored]), weight[evidence.censored], minlength=len(cuts))
        total = cut + later
        return cls(cuts, np.cumprod(np.divide(later, total, out=np.ones_like(total), where=total > 0)))

    def at(self, tokens: FloatArray) -> FloatArray:
        """G(t), the share that is still watched after t tokens."""
        return self._read(tokens, "right")

    def before(self, tokens: FloatArray) -> FloatArray:
        """G(t−), the share that is still watched just before t tokens."""
        return self._read(tokens, "left")

    def _read(self, tokens: FloatArray, side: str) -> FloatArray:
        share = np.append(1.0, self.watched)
        return np.asarray(share[np.searchsorted(self.tokens, tokens, side=side)], dtype=np.float64)  # type: ignore[call-overload]


def ends(evidence: Evidence) -> FloatArray:
    """``(m,)`` tokens at which each reply's fate was known: its right answer, or else its last token."""
    tokens = np.where(evidence.correct, evidence.answer_tokens, evidence.completion_tokens)
    return np.asarray(tokens, dtype=np.float64)


def right_by(evidence: Evidence, tokens: FloatArray) -> BoolArray:
    """``(m, K)`` had a right answer appeared by then."""
    return np.asarray(evidence.correct[:, None] & (evidence.answer_tokens[:, None] <= tokens), dtype=np.bool_)


def known_weights(evidence: Evidence, tokens: FloatArray) -> FloatArray:
    """``(m, K)`` weights with which the replies whose state at a token count is known stand for all of them.

    Inverse probability of censoring (Gerds and Schumacher 2006, doi 10.1002/bimj.200610301): a reply that ended by t
    counts 1/G(end−), one that was watched beyond t counts 1/G(t), one that was cut off before counts nothing. Each is
    multiplied by the reply's own weight.
    """
    censoring, end = Censoring.of(evidence), ends(evidence)
    ended = np.where(evidence.censored, 0.0, 1.0 / np.maximum(censoring.before(end), 1e-12))
    beyond = 1.0 / np.maximum(censoring.at(tokens), 1e-12)
    state = np.where(end[:, None] <= tokens, ended[:, None], beyond)
    return state * evidence.weight[:, None]
