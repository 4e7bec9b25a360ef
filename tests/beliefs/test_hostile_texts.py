"""Predictors that would crash who asks them, and texts that are none."""

import copy
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictor_files import KINDS, card_of, small
from predictor_files import fitted as fitted
from shadowprice.beliefs import (
    AbstractPredictor,
    Evidence,
    OutcomePredictor,
    Reference,
    save_predictor,
)
from shadowprice.beliefs.reading._ngrams import MAX_CHARACTERS
from shadowprice.traces import Traces


def spoil_forest(name: str, place: int, value: int) -> Callable[[Any], None]:
    def spoil(predictor: Any) -> None:
        getattr(predictor.text_.forests_[0], name)[place] = value

    return spoil


def spoil_table(predictor: Any) -> None:
    predictor.text_.words_.table_[:] = 2**30


def spoil_places(predictor: Any) -> None:
    predictor.text_.words_.table_[:] = 0  # no free place: a search would go round for ever


def spoil_rarity(predictor: Any) -> None:
    predictor.text_.words_.rarity_ = predictor.text_.words_.rarity_[:1]


def spoil_length(predictor: Any) -> None:
    predictor.text_.words_.longest = -5


SPOILERS = [
    spoil_forest("feature", -1, 0),
    spoil_forest("feature", 0, 10**6),
    spoil_forest("roots", 0, 10**9),
    spoil_forest("roots", 0, -(10**9)),
    spoil_forest("right", 0, 0),
    spoil_table,
    spoil_places,
    spoil_rarity,
    spoil_length,
]
_LOADER = """
import sys
from shadowprice._errors import InputError
from shadowprice.beliefs import load_predictor
for path in sys.argv[1:]:
    try:
        print(load_predictor(path)[0].predict(["What is 1 plus 2?"]).threshold[0], flush=True)
    except InputError as error:
        print(error, flush=True)
"""


@pytest.mark.slow
def test_predictors_that_would_crash(fitted: dict[Any, AbstractPredictor], tmp_path: Path) -> None:
    """In a process of its own: each is refused, or mended and then predicts as before."""
    good = fitted[OutcomePredictor]
    paths = [tmp_path / f"{number}.shadow" for number in range(len(SPOILERS))]
    for spoil, path in zip(SPOILERS, paths, strict=True):
        predictor = copy.deepcopy(good)
        spoil(predictor)
        save_predictor(predictor, card_of(good), path)
    ended = subprocess.run(
        [sys.executable, "-c", _LOADER, *map(str, paths)], capture_output=True, text=True, timeout=200, check=False
    )
    assert (0, "") == (ended.returncode, ended.stderr)
    lines, before = ended.stdout.splitlines(), good.predict(["What is 1 plus 2?"]).threshold[0]
    refused = ["holds a predictor that does not predict; make it anew" in line for line in lines]
    assert len(lines) == len(SPOILERS)
    assert all(no or pytest.approx(before) == float(line) for no, line in zip(refused, lines, strict=True))
    assert 7 == sum(refused)  # the table of hashes is made anew


TEXTS = {
    "empty": "",
    "blank": " \t\n\r\u00a0\u2003 " * 50,
    "mixed scripts": "Сколько будет 两 plus ثلاثة? 答えは何 हिन्दी ไทย",
    "emoji": "👩‍👩‍👧‍👦 + 🧮 = ❓" * 20,
    "lone surrogates": "\ud800 what \udfff is \udc00\ud800?",
    "NUL": "what\0is\0\0 1 + 1\0",
    "right to left": "\u202e1 + 1 si tahw\u202c \u200f\u200e\u2066?\u2069",
    "combining": "a" + "\u0301" * 5000,
    "numbers": "9" * 30_000 + "." + "9" * 400,
    "backslashes": "\\" * 50_000,
    "one letter": "a" * 100_000,
    "signs": "()[]{}$%&" * 10_000,
    "a million words": " ".join(f"w{number:x}" for number in range(1_000_000)),
}


@pytest.mark.parametrize("name", list(TEXTS))
@pytest.mark.parametrize("kind", KINDS)
def test_strange_texts_are_believed_something_sane_of(
    fitted: dict[Any, AbstractPredictor], kind: type, name: str
) -> None:
    beliefs = fitted[kind].predict([TEXTS[name], "What is 1 plus 2?"])
    assert np.isfinite(beliefs.threshold).all()
    assert (beliefs.threshold > 0).all()
    if (table := beliefs.outcomes) is not None:
        assert (np.diff(table.right, axis=1) >= 0).all()
        assert (table.right >= 0).all()
        assert (table.finished <= 1 + 1e-9).all()


@pytest.mark.parametrize("kind", KINDS)
def test_strange_texts_can_be_learnt_from(sums: Traces, kind: Any) -> None:
    ordinary = sums.evidence
    n, extra = ordinary.n_queries, list(TEXTS.values())
    evidence = Evidence(
        [*ordinary.questions, *extra],
        np.r_[ordinary.query, n + np.arange(len(extra))],
        np.r_[ordinary.answer_tokens, np.full(len(extra), 30)],
        np.r_[ordinary.correct, np.arange(len(extra)) % 2 == 0],
    )
    beliefs = small(kind).fit(evidence).predict(["What is 3 plus 4?", *extra])
    assert np.isfinite(beliefs.threshold).all()
    reference = Reference.of(evidence.questions, np.zeros(evidence.n_queries))
    assert 0.0 <= reference.unknown <= 1.0
    assert len(reference.words) <= 100_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_of_100_megabytes_costs_what_its_beginning_costs(
    fitted: dict[Any, AbstractPredictor], kind: type
) -> None:
    long = "What is 7 plus 5 times 3? \N{GREEK SMALL LETTER ALPHA}" * 4_000_000
    beginning = long[:MAX_CHARACTERS]
    fitted[kind].predict([beginning])
    tracemalloc.start()
    beliefs = fitted[kind].predict([long])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert beliefs.threshold == fitted[kind].predict([beginning]).threshold
    assert peak < 60_000_000
