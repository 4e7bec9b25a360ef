"""Whether beliefs fit what comes, told while replies end and long before all have."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.special import gammaln

from shadowprice._types import FloatArray
from shadowprice.beliefs._beliefs import Outcomes

SURE: Final = 1000.0
"""Odds against the beliefs from which on they are not believed; true ones reach them once in so many runs at most."""
_FACTOR: Final = 2.0
"""Beliefs that are wrong by less than this factor still order questions, and are kept."""
_QUICKER: Final = 4.0
"""So many times as many right answers a token do no harm: a model that is quicker than believed leaves tokens over."""
_LEAST: Final = 1e-3
"""Chance of running on below which none is told from another."""


@dataclass
class Expected:
    r"""Right answers that came beside those that were expected, one reply after another.

    If what is expected of each reply is right, :math:`\theta^N e^{-(\theta - 1) A}` never grows in the mean, whatever
    θ; its mean over an exponential prior of θ, :math:`N!\, e^{A} / (1 + A)^{N + 1}`, is therefore above 1000 in one run
    of 1000 at most, at whatever moment one looks (Ville's inequality).
    """

    replies: int = 0
    right: int = 0
    """N."""
    expected: float = 0.0
    """A."""

    def add(self, expected: float, right: bool) -> None:
        """Count a reply."""
        self.replies += 1
        self.right += right
        self.expected += expected

    @property
    def odds(self) -> float:
        """How much better the replies are explained by beliefs that are wrong by a factor."""
        log = self.expected + gammaln(self.right + 1) - (self.right + 1) * np.log1p(self.expected)
        return float(np.exp(min(log, 700.0)))

    @property
    def factor(self) -> float:
        """Right answers for each one that was believed in: θ, estimated by :math:`(1 + N) / (1 + A)`."""
        return (1 + self.right) / (1 + self.expected)

    def off(self, least: float, most: float) -> bool:
        """Whether surely no more than a share of what was expected comes, or surely a multiple of it."""
        return self.odds >= SURE and not least < self.factor < most


@dataclass
class Misfit:
    r"""Compares beliefs with replies, however early these were stopped.

    Two things are compared, with R the belief that a right answer has appeared and S the belief that none has and the
    reply runs on. *For their tokens*: a reply that ran for T tokens is expected to bring
    :math:`A_i(T) = \int_0^T dR_i(t) / S_i(t)` right answers, the compensator of a counting process (Aalen 1978), for
    which it does not matter who stopped the reply and why. *Among those that came to something*, at t tokens: a right
    answer, or an end without one; of these, :math:`dR_i(t) / (-dS_i(t))` are expected to be right. A model that is a
    little quicker than believed brings more for its tokens than was expected, which spoils nothing and is no misfit.
    """

    outcomes: Outcomes
    """n beliefs, before anything has run."""
    for_tokens: Expected = field(default_factory=Expected)
    among_ends: Expected = field(default_factory=Expected)
    _hazard: FloatArray = field(init=False, repr=False)
    """``(n, K)`` right answers that are expected by then of a reply that goes on."""
    _share: FloatArray = field(init=False, repr=False)
    """``(n, K)`` share of right answers among what a reply comes to in that cell."""

    def __post_init__(self) -> None:
        right = np.asarray(self.outcomes.right, dtype=np.float64)
        # Right replies end soon after their answer, so what is over is about the larger of the two.
        over = np.minimum(np.maximum(right, self.outcomes.finished), 1.0 - _LEAST)
        ends, rights = np.diff(over, axis=1, prepend=0.0), np.diff(right, axis=1, prepend=0.0)
        at_all = np.repeat(right[:, -1:] / np.maximum(over[:, -1:], _LEAST), right.shape[1], axis=1)
        self._share = np.minimum(np.divide(rights, ends, out=at_all, where=ends > 0.0), 1.0)
        self._hazard = (-self._share * np.diff(np.log1p(-over), axis=1, prepend=0.0)).cumsum(axis=1)

    def add(self, row: int, tokens: float, *, right: bool, ended: bool) -> None:
        """Count a reply to query `row`.

        Args:
            row: The query.
            tokens: Tokens by which its right answer had appeared, or that it got.
            right: Whether one has appeared.
            ended: Whether the reply came to its own end.
        """
        grid = self.outcomes.tokens
        brought = np.interp(tokens, np.concatenate(([0.0], grid)), np.concatenate(([0.0], self._hazard[row])))
        self.for_tokens.add(float(brought), right)
        if right or ended:
            cell = min(int(np.searchsorted(grid, tokens)), len(grid) - 1)
            self.among_ends.add(float(self._share[row, cell]), right)

    @property
    def refuted(self) -> Expected | None:
        """What shows that the beliefs are wrong by a factor of two or more, if anything does."""
        if self.among_ends.off(1 / _FACTOR, _FACTOR):
            return self.among_ends
        return self.for_tokens if self.for_tokens.off(1 / _FACTOR, _QUICKER) else None
