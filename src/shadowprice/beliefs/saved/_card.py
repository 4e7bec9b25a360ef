"""What a saved predictor was fitted on, and what its questions looked like."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from shadowprice._types import FloatArray
from shadowprice.beliefs.reading import MAX_CHARACTERS
from shadowprice.beliefs.scoring import BeliefScores, Estimate

_WORD: Final = re.compile(r"[^\W\d_]+")
_UNIT: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_MOST_WORDS: Final = 100_000
_QUANTILES: Final = np.linspace(0.0, 1.0, 201)

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class PredictorCard:
    """What a saved predictor was fitted on."""

    traces: str
    """Name of the trace file."""
    model: str
    """Model that answered; empty if the traces do not say."""
    queries: int
    """Number of questions."""
    replies: int
    """Number of replies."""
    created: str
    """When, ISO 8601, UTC."""
    version: str
    """Version of shadowprice."""
    kind: str = ""
    """Kind of predictor, as `shadowprice fit --predictor` names it."""
    token_unit: str = ""
    """Whose tokens are counted: a tokenizer's name; empty if the traces do not say."""
    schema_version: int = 0
    """Schema version of the traces; 0 if they do not say."""
    grid: tuple[float, ...] = ()
    """Token counts of the predicted outcomes; empty for a predictor that only knows thresholds."""
    horizon: float = 0.0
    """Token count at which calibration was scored; 0 if it was not."""
    scores: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Figures on unseen questions at fit time: value and 95 % interval, by the names of `BeliefScores`."""
    beside: tuple[str, ...] = ()
    """Names of the trace files of other models that it learnt from as well."""
    asked: Mapping[str, int] = field(default_factory=dict)
    """Questions by how they were asked, as traces name it (column `protocol`); empty if that is not known."""
    temperature: float | None = None
    """Sampling temperature of all replies; None if they differ, or the traces do not say."""
    features: int = 0
    """Numbers in each question's vector that it learnt from as well; 0 if it was fitted without vectors."""

    @staticmethod
    def figures(scores: BeliefScores) -> dict[str, tuple[float, float, float]]:
        """The finite figures of scores, as `scores` holds them."""
        named = {item.name: getattr(scores, item.name) for item in fields(scores)}
        estimates = {name: value for name, value in named.items() if isinstance(value, Estimate)}
        triples = {name: (value.value, value.low, value.high) for name, value in estimates.items()}
        return {name: triple for name, triple in triples.items() if np.isfinite(triple).all()}


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What the questions of a fit looked like, without their texts: for telling whether new ones are like them."""

    questions: Hashes
    """Hashes of the questions, rising."""
    words: Hashes
    """Hashes of their words, rising; of the most frequent ones if there are more than 100,000."""
    lengths: FloatArray
    """Quantiles of the log of their lengths in characters, evenly spaced from the shortest to the longest."""
    believed: FloatArray
    """The same quantiles of how good a bet each was believed to be before it had been seen (`bets`)."""
    unknown: float
    """Mean share of a question's words that stand in no question of the other half."""
    phrases: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))
    """Hashes of their phrases, rising, as of the words; empty in files of older versions."""
    strange: FloatArray = field(default_factory=lambda: np.empty(0))
    """Quantiles, as of the lengths, of the share of each question's phrases that stand in none of the other half."""

    @classmethod
    def of(cls, questions: Sequence[str], believed: FloatArray, seed: int = 0, seen: Sequence[str] = ()) -> "Reference":
        """Describe n questions and ``(n,)`` what was believed of each; `seen`: questions that others answered."""
        half = np.random.default_rng(seed).permutation(len(questions)) % 2
        words = [word_hashes(question) for question in questions]
        phrases = phrase_hashes(questions)
        return cls(
            questions=_distinct([question_hashes(questions), question_hashes(seen)]),
            words=_distinct(words),
            lengths=np.quantile(log_lengths(questions), _QUANTILES),
            believed=np.quantile(believed, _QUANTILES),
            unknown=float(np.mean(_unknown_shares(words, half))),
            phrases=_distinct(phrases),
            strange=np.quantile(_unknown_shares(phrases, half), _QUANTILES),
        )


def question_hashes(questions: Sequence[str]) -> Hashes:
    """``(n,)`` hashes of whole questions."""
    return np.array([_hash(question) for question in questions], dtype=np.uint64)


def word_hashes(question: str) -> Hashes:
    """Hashes of the distinct words of a question, in lower case: runs of letters of any script."""
    return np.array([_hash(word) for word in set(_WORD.findall(question[:MAX_CHARACTERS].lower()))], dtype=np.uint64)


def phrase_hashes(questions: Sequence[str]) -> list[Hashes]:
    """Hashes of each question's distinct phrases: two words, numbers or signs in a row, every number being the same."""
    known: dict[str, int] = {}
    rows = []
    for question in questions:
        units = ["0" if unit.isdecimal() else unit for unit in _UNIT.findall(question[:MAX_CHARACTERS].lower())]
        phrases = {f"{first} {second}" for first, second in pairwise(["", *units, ""])}
        rows.append(np.array([known.get(one) or known.setdefault(one, _hash(one)) for one in phrases], dtype=np.uint64))
    return rows


def unknown_share(words: Hashes, known: Hashes) -> float:
    """Share of these words that are not among the known ones; 0 if there are none."""
    if not words.size:
        return 0.0
    place = np.searchsorted(known, words)
    found = place < len(known)
    found[found] = known[place[found]] == words[found]
    return float(1.0 - found.mean())


def log_lengths(questions: Sequence[str]) -> FloatArray:
    """``(n,)`` ln(1 + characters)."""
    return np.log1p(np.array([len(question) for question in questions], dtype=np.float64))


def _unknown_shares(rows: Sequence[Hashes], half: npt.NDArray[np.int64]) -> list[float]:
    """What share of each question's words or phrases stands in no question of the other half."""
    shares: list[float] = []
    for side in (0, 1):
        known = _distinct(some for some, one in zip(rows, half, strict=True) if one != side)
        shares += [unknown_share(some, known) for some, one in zip(rows, half, strict=True) if one == side]
    return shares


def _distinct(parts: Iterable[Hashes]) -> Hashes:
    values, counts = np.unique(np.concatenate([np.empty(0, np.uint64), *parts]), return_counts=True)
    return np.sort(values[np.argsort(-counts, kind="stable")[:_MOST_WORDS]])


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")
