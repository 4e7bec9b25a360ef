"""The fewest tokens that a text can be: below every real count, and the same however the text is cut into pieces."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shadowprice
from shadowprice.engines._text_floor import TextFloor
from shadowprice.traces import read_traces


def floor(*pieces: str) -> int:
    counted = TextFloor()
    for piece in pieces:
        counted.add(piece)
    return counted.tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("word", 1),
        ("so many words", 3),
        ("don't stop_here, l’eau", 3),
        ("__init__ ________ ''", 3),
        ("x=1+22", 3),
        ("- + - +", 4),
        ("1" * 40, 3),
        ("a" * 200, 4),
        ("हिन्दी में लिखा", 3),
        ("今天天气很好" * 10, 4),
        ("สวัสดีครับ", 1),
        ("\n" * 1000, 8),
        ("=" * 129, 2),
        ("\u3000\u3000", 1),
        ("\ud800 x", 2),
    ],
)
def test_the_floor_of_a_text(text: str, tokens: int) -> None:
    assert tokens == floor(text)


@given(st.text(alphabet=st.sampled_from(" \n'’_aé1今=\u0e01🦊"), max_size=80), st.data())
def test_it_does_not_matter_where_a_text_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    assert floor(text) == floor(*(text[start:end] for start, end in pairwise([0, *cuts, len(text)])))


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_text_has_no_more_tokens_than_its_parts(first: str, second: str) -> None:
    assert max(floor(first), floor(second)) <= floor(first + second) <= floor(first) + floor(second)


def test_no_recorded_reply_has_fewer_tokens_than_its_floor() -> None:
    (folder,) = (Path(path) / "data" for path in shadowprice.__path__)
    for file in ("smollm2-135m.parquet", "smollm2-135m-tale-ep.parquet"):
        traces = read_traces(folder / file).table
        texts, counts = traces["completion"].to_pylist()[::3], traces["completion_tokens"].to_pylist()[::3]
        assert [] == [text for text, count in zip(texts, counts, strict=True) if floor(text) > count]
