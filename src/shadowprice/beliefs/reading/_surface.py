"""What a question's text says before anybody has thought about it."""

import re
import zlib
from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from shadowprice._types import FloatArray
from shadowprice.beliefs.reading._ngrams import beginnings

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LETTERS = re.compile(r"[A-Za-z]+")
_SENTENCE_END = re.compile(r"[.?!]\s")
_BRACKETED = re.compile(r"[\[({][^\[\](){}\n]*[\])}]")
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_LARGEST = 1e9
"""Longer numbers say nothing more about difficulty, only upset the scale."""

_COUNTS = (
    "characters",
    "words",
    "distinct word share",
    "mean word length",
    "numbers",
    "log largest number",
    "log sum of numbers",
    "digits",
    "operators",
    "capitals",
    "backslashes",
    "dollars",
    "parentheses",
    "commas",
    "full stops",
    "quotes",
    "question marks",
    "lines",
)
_SHAPE = (
    "distinct numbers",
    "fractional numbers",
    "numbers from 10",
    "numbers from 100",
    "log smallest number",
    "sentences",
    "longest sentence",
    "last sentence",
    "closing line",
    "commas in closing line",
    "numbers in closing line",
    "longest line",
    "deepest indent",
    "mean indent",
    "longest bracket",
    "most commas in a bracket",
    "longest quotation",
    "quotations",
    "compressed share",
    "compressed size",
    "vocabulary",
    "alphabet",
    "points inside words",
)
_SIGNS: Final = (
    ("square brackets", "["),
    ("braces", "{"),
    ("colons", ":"),
    ("equals signs", "="),
    ("percent signs", "%"),
    ("subscripts", "_"),
    ("powers", "^"),
    ("plus signs", "+"),
    ("minus signs", "-"),
    ("stars", "*"),
    ("smaller than", "<"),
    ("greater than", ">"),
    ("comparisons", "=="),
    ("exclamation marks", "!"),
    ("fractions", "\\frac"),
    ("roots", "\\sqrt"),
    ("figures", "[asy]"),
    ("environments", "\\begin"),
)
_CUES: Final = {
    "rates": "each every per apiece",
    "comparatives": "more less fewer than longer shorter older younger",
    "multiples": "half twice thrice double triple times quarter third quarters thirds",
    "percentages": "percent percentage discount tax interest profit",
    "how many": "many much",
    "totals": "total altogether sum combined remaining left rest",
    "conditions": "if when unless suppose given let assume",
    "proofs": "prove show that",
    "tasks": "find determine compute calculate evaluate simplify solve express",
    "extremes": "smallest largest least greatest minimum maximum minimal maximal possible fewest most",
    "chances": "probability random randomly expected chance dice coin",
    "integers": "integer integers positive digit digits divisor divisors multiple multiples",
    "residues": "mod remainder divisible divides prime primes",
    "geometry": "triangle circle angle area radius square rectangle side sides point points line lines polygon volume "
    "sphere plane",
    "functions": "function polynomial root roots equation equations matrix vector sequence series",
    "kinds of number": "real complex imaginary rational irrational",
    "counting": "ways arrangements permutation permutations combinations choose arranged distinct different",
    "time": "day days week weeks month months year years hour hours minute minutes",
    "money": "dollars dollar cents cost costs price pay paid buys sells sell earn earns",
    "number words": "one two three four five six seven eight nine ten eleven twelve twenty hundred thousand",
    "loops": "for while in range enumerate",
    "branches": "if elif else",
    "code": "def return assert",
    "changes": "append pop insert remove extend sort reverse update",
    "string methods": "join split replace strip upper lower find index count startswith endswith isalpha isdigit",
    "negations": "not no none never without cannot except",
    "connectives": "and or but then",
    "references": "same other another both all",
}
_CUES_OF: Final = {
    word: tuple(number for number, words in enumerate(_CUES.values()) if word in words.split())
    for words in _CUES.values()
    for word in words.split()
}

SURFACE_GROUPS: Final = {
    "counts": _COUNTS,
    "shape": _SHAPE,
    "signs": tuple(name for name, _ in _SIGNS),
    "cues": tuple(_CUES),
}
"""The columns of `SurfaceFeatures` by kind: lengths and numbers; layout; signs; words that say what is asked for."""
SURFACE_FEATURES = tuple(name for names in SURFACE_GROUPS.values() for name in names)
"""Names of the columns of `SurfaceFeatures`, in order."""


class SurfaceFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Counts that need no vocabulary: lengths, numbers, signs, layout, and English words that say what is asked for."""

    def fit(self, questions: Sequence[str], y: object = None) -> Self:
        """Learn nothing; there for scikit-learn's pipelines."""
        del questions, y
        self.n_features_in_ = 1
        return self

    def transform(self, questions: Sequence[str]) -> FloatArray:
        """Features ``(n, len(SURFACE_FEATURES))``."""
        rows = [_surface(question) for question in beginnings(questions)]
        return np.array(rows, dtype=np.float64).reshape(len(questions), len(SURFACE_FEATURES))

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Names of the columns."""
        del input_features
        return np.array(SURFACE_FEATURES, dtype=object)


def _surface(question: str) -> list[float]:
    found = _NUMBER.findall(question)
    numbers = [min(float(number), _LARGEST) for number in found]
    return [*_counts(question, numbers), *_shape(question, numbers), *_signs(question), *_cues(question)]


def _counts(question: str, numbers: list[float]) -> tuple[float, ...]:
    words = question.split()
    return (
        len(question),
        len(words),
        len(set(words)) / max(1, len(words)),
        sum(map(len, words)) / max(1, len(words)),
        len(numbers),
        np.log1p(max(numbers, default=0.0)),
        np.log1p(sum(numbers)),
        sum(map(str.isdigit, question)),
        sum(question.count(operator) for operator in "+-*/^=<>"),
        sum(map(str.isupper, question)),
        question.count("\\"),
        question.count("$"),
        question.count("("),
        question.count(","),
        question.count("."),
        question.count("'") + question.count('"'),
        question.count("?"),
        question.count("\n"),
    )


def _shape(question: str, numbers: list[float]) -> tuple[float, ...]:
    lines = question.split("\n")
    sentences = _SENTENCE_END.split(question)
    # Code tasks end in a tag; what is asked for then stands in the longest of the last lines.
    closing = max(lines[-3:], key=len)
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    brackets, quotations = _BRACKETED.findall(question), _QUOTED.findall(question)
    raw = question.encode("utf-8", "replace")
    compressed = len(zlib.compress(raw, 1))
    return (
        len(set(numbers)),
        sum(number != int(number) for number in numbers),
        sum(number >= 10.0 for number in numbers),
        sum(number >= 100.0 for number in numbers),
        np.log1p(min(numbers, default=0.0)),
        len(sentences),
        max(map(len, sentences)),
        len(sentences[-1]),
        len(closing),
        closing.count(","),
        len(_NUMBER.findall(closing)),
        max(map(len, lines)),
        max(indents, default=0),
        sum(indents) / max(1, len(indents)),
        max(map(len, brackets), default=0),
        max((bracket.count(",") for bracket in brackets), default=0),
        max(map(len, quotations), default=0),
        len(quotations),
        compressed / max(1, len(raw)),
        compressed,
        len(set(_LETTERS.findall(question.lower()))),
        len(set(question)),
        question.count(".") - question.count(". "),
    )


def _signs(question: str) -> list[float]:
    return [question.count(sign) for _, sign in _SIGNS]


def _cues(question: str) -> list[float]:
    found = [0.0] * len(_CUES)
    for word in _LETTERS.findall(question.lower()):
        for number in _CUES_OF.get(word, ()):
            found[number] += 1.0
    return found
