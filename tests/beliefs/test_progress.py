"""What the text so far says, and that it does not matter in which pieces it came."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs import PROGRESS_FEATURES, Progress, WordDirections
from shadowprice.beliefs.running._progress import read_prefixes
from shadowprice.traces import read_traces

ROW = np.zeros(1, np.int64)
COLUMN = {name: number for number, name in enumerate(PROGRESS_FEATURES)}
WORDS = WordDirections(np.linspace(1.0, 5.0, 4096), np.random.default_rng(0).normal(size=(4096, 3)))


@pytest.fixture(scope="module")
def replies() -> list[str]:
    completions = read_traces("bundled").evidence.completions
    assert completions is not None
    return list(completions[:200])


def described(*pieces: str, words: WordDirections | None = WORDS) -> FloatArray:
    progress = Progress(1, words)
    for piece in pieces:
        progress.update(ROW, [piece])
    return np.asarray(progress.features(ROW)[0], dtype=np.float64)


def value(text: str, name: str) -> float:
    return float(described(text)[COLUMN[name]])


def test_each_channel_and_scalar_has_a_column() -> None:
    assert len(set(PROGRESS_FEATURES)) == len(PROGRESS_FEATURES)
    assert described("x ").shape == (len(PROGRESS_FEATURES) + 2 * 3,)
    assert Progress(1).n_features == len(PROGRESS_FEATURES)


@given(st.text(max_size=300), st.lists(st.integers(0, 300), max_size=6))
@settings(deadline=None, max_examples=60)
def test_pieces_give_what_the_whole_gives(text: str, cuts: list[int]) -> None:
    ends = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})

    pieces = [text[a:b] for a, b in pairwise(ends)]

    np.testing.assert_allclose(described(*pieces), described(text), rtol=1e-9, atol=1e-12)


def test_real_replies_in_pieces_give_what_the_whole_gives(replies: list[str]) -> None:
    rng = np.random.default_rng(1)
    rows = np.arange(len(replies))
    whole, pieces = Progress(len(replies), WORDS), Progress(len(replies), WORDS)
    whole.update(rows, replies)
    done = np.zeros(len(replies), np.int64)
    while (done < [len(text) for text in replies]).any():
        ahead = done + rng.integers(0, 80, len(replies))
        pieces.update(rows, [text[a:b] for text, a, b in zip(replies, done, ahead, strict=True)])
        done = ahead

    np.testing.assert_allclose(pieces.features(rows), whole.features(rows), rtol=1e-9, atol=1e-12)


def test_a_prefix_does_not_know_what_comes_after_it(replies: list[str]) -> None:
    row = np.repeat(np.arange(len(replies)), 3)
    cuts = np.array([len(text) * share // 4 for text in replies for share in (1, 2, 3)])

    found = read_prefixes(replies, row, cuts, WORDS).features

    alone = np.array([described(replies[text][:cut]) for text, cut in zip(row, cuts, strict=True)])
    np.testing.assert_allclose(found, alone, rtol=1e-9, atol=1e-12)


def test_word_directions_are_the_tf_idf_of_the_words_so_far(replies: list[str]) -> None:
    row = np.arange(50)
    cuts = np.array([len(text) for text in replies[:50]])

    found = read_prefixes(replies, row, cuts, WORDS, count=True)

    columns, counts, starts = found.buckets
    for number in range(50):
        used = slice(starts[number], starts[number + 1])
        weights = (1.0 + np.log(counts[used])) * WORDS.rarity[columns[used]]
        expected = weights @ WORDS.matrix[columns[used]] / max(np.sqrt((weights**2).sum()), 1e-9)
        np.testing.assert_allclose(found.features[number, -6:-3], expected, rtol=1e-6, atol=1e-9)


def test_a_loop_is_seen_with_its_length() -> None:
    block = "We add 3 to both sides and get x again, then we go on with the same thing once more.\n"
    fresh = " ".join(f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(200))

    assert value(block * 30, "repeated runs of 12 in the tail") > 0.9
    assert value(block * 30, "repeated lines just now") > 0.01
    assert np.expm1(value(block * 30, "loop length")) == pytest.approx(block.count(" ") + 1 + 2 + 1, abs=3)
    assert value(fresh, "share of repeated runs of 12") == 0.0
    assert value(fresh + block * 30, "log lines") == pytest.approx(np.log(31.0))


@pytest.mark.parametrize(
    ("text", "stated", "agree", "changed"),
    [
        ("We do not know yet.", 0, 0, 0),
        ("The answer is 5. ", 1, 0, 0),
        ("The answer is 5. Wait, no. The answer is 6.\n", 2, 0, 1),
        (r"So \boxed{5}. Let me check. Answer: $5$" + "\n", 2, 1, 0),
        (r"The answer is $\boxed{\frac{1}{2}}$.", 1, 0, 0),
        (r"First \boxed{\frac{1}{2}}, then \boxed{\frac{1}{3}}, then \boxed{\frac{1}{3}} ", 3, 1, 1),
        ('{"reasoning": "2 + 3", "answer": "5"}\n', 1, 0, 0),
        (r"\boxed{unfinished", 0, 0, 0),
    ],
)
def test_stated_answers_are_counted_and_compared(text: str, stated: int, agree: int, changed: int) -> None:
    names = ("answers stated", "answers that agree", "answers that changed")

    assert [round(float(np.expm1(value(text, name)))) for name in names] == [stated, agree, changed]


def test_doubt_and_new_numbers_are_dated() -> None:
    text = "Wait, 17 plus 4 is 21. " + "so we go on " * 20

    assert value(text, "log doubts") == pytest.approx(np.log(2.0))
    assert value(text, "units since doubt") == pytest.approx(np.log(90.0), abs=0.05)
    assert value(text, "units since new number") < value(text, "units since doubt")
    assert value("21 21 21 4 ", "share of new numbers") == pytest.approx(0.5)


def test_a_place_can_be_used_for_another_query(replies: list[str]) -> None:
    progress = Progress(2, WORDS)
    progress.update(np.array([0, 1]), replies[:2])
    progress.restart(np.array([0]))
    progress.update(np.array([0]), [replies[2]])

    np.testing.assert_array_equal(progress.features(ROW)[0], described(replies[2]))
    np.testing.assert_array_equal(progress.features(ROW + 1)[0], described(replies[1]))


@pytest.mark.parametrize(
    "text", ["", " \n\t", "é" * 5000, "漢字" * 4000, "\ud800 x", "7" * 5000, "\x00" * 100, "🙂 " * 50]
)
def test_odd_text_gives_numbers_and_leaves_little_behind(text: str) -> None:
    progress = Progress(1, WORDS)
    progress.update(ROW, [text])

    assert np.isfinite(progress.features(ROW)).all()
    assert len(progress._pending[0]) <= 32


def test_no_text_is_all_zeros() -> None:
    assert not described("").any()
    assert not described("unfinished").any()
    assert described("finished ").any()


def test_a_piece_without_a_row_is_an_error() -> None:
    with pytest.raises(InputError, match="1 rows but 2 pieces"):
        Progress(1).update(ROW, ["a", "b"])
    with pytest.raises(InputError, match="from 0 to 1, but reach from 2 to 2"):
        Progress(2).features(ROW + 2)
    with pytest.raises(InputError, match="4096 rows"):
        Progress(1, WordDirections(np.ones(3), np.ones((3, 1))))
