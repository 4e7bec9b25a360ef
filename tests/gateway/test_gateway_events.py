"""Events are cut where they end, and pieces that are alike are read as if they had been parsed."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowprice.engines import Reading, TokenCount, read_chunk
from shadowprice.engines._events import EventReader
from shadowprice.gateway._alike import AlikeReader, Shapes, Spent
from shadowprice.gateway._meter import Meter
from shadowprice.gateway._protocol import Piece
from shadowprice.gateway._sse import EventSplitter, EventTooLongError

LINES = st.sampled_from(["data: a", "data:b", "data", "data: é", ": note", "id: 1", "event: x", "data:  c", ""])
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=30), st.lists(st.integers(0, 200), max_size=8), st.booleans())
def test_events_are_those_of_a_plain_reader(lines: list[tuple[str, str]], cuts: list[int], mark: bool) -> None:
    stream = ("\ufeff" * mark + "".join(line + end for line, end in lines)).encode()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    splitter, reader = EventSplitter(10_000), EventReader(10_000)
    raw, data, plain = b"", [], []
    for start, end in pairwise(places):
        for event in splitter.feed(stream[start:end]):
            raw += event.raw
            data += [] if event.data is None else [event.data.decode()]
        plain += reader.feed(stream[start:end])
    assert stream == raw + splitter.rest
    # A CR at the very end may belong to an LF that never came, for which this one waits and the plain one does not.
    assert data == plain[: len(data)]
    assert len(plain) - len(data) <= stream.endswith(b"\r")


def test_an_event_without_end_is_refused() -> None:
    splitter = EventSplitter(100)
    splitter.feed(b"data: " + b"x" * 90)
    with pytest.raises(EventTooLongError, match="100 bytes"):
        splitter.feed(b"y" * 10)
    with pytest.raises(EventTooLongError):
        EventSplitter(100).feed(b"data: " + b"x" * 100 + b"\n\n")


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@given(
    st.lists(st.tuples(TEXT, st.sampled_from(["content", "reasoning_content"])), min_size=1, max_size=12),
    st.booleans(),
    st.sampled_from([None, (",", ":")]),
)
def test_alike_pieces_are_counted_as_parsed_ones(
    texts: list[tuple[str, str]], escaped: bool, separators: tuple[str, str] | None
) -> None:
    reader, meter, count = AlikeReader("/v1/chat/completions", Shapes()), Meter(1), TokenCount()
    known = 0
    for text, field in texts:
        chunk: dict[str, Any] = {"id": "x", "choices": [{"index": 0, "delta": {field: text}, "finish_reason": None}]}
        data = json.dumps(chunk, ensure_ascii=escaped, separators=separators).encode()
        found = reader.read(data)
        reading = read_chunk(json.loads(data))
        if found is None:
            meter.take(0, reading)
            reader.learn(data, chunk, Piece(0, reading))
        else:
            known += 1
            assert (text, field, 0) == (found[1], found[0].field, found[0].choice)
            meter.text(found[1])
        count.take(reading)
        assert count.pieces <= meter.tokens <= count.tokens
    assert count.tokens == meter.exact()
    assert known == len(texts) - len({field for _, field in texts})


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}',
        b'{"choices":[{"index":1,"delta":{"content":"x"},"finish_reason":null}]}',
        b'{"choices":[{"index":0,"delta":{"content":"x","tool_calls":[]},"finish_reason":null}]}',
        b'{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":{"completion_tokens":9}}',
        b'{"choices":[{"index":0,"delta":{"content":"x","content":"y"},"finish_reason":null}]}',
        b'{"choices":[{"index":0,"delta":{"content":"\\ud83d"x"},"finish_reason":null}]}',
        b'{"choices":[{"index":0,"delta":{"content":"\xff"},"finish_reason":null}]}',
        b'{"choices":[{"index":0,"delta":{"content":null},"finish_reason":null}]}',
    ],
)
def test_what_differs_in_more_than_its_text_is_parsed(data: bytes) -> None:
    reader = AlikeReader("/v1/chat/completions", Shapes())
    plain = b'{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}'
    reader.learn(plain, json.loads(plain), Piece(0, read_chunk(json.loads(plain))))
    assert reader.read(plain.replace(b'"a"', b'"b\\n"')) is not None
    assert reader.read(data) is None


COUNTS = st.one_of(st.integers(0, 10**9), st.sampled_from([0, 7, 10**6, 10**8, 10**12, 1.5, True, None, "7", -1]))


@given(
    st.lists(st.tuples(COUNTS, COUNTS, COUNTS), min_size=2, max_size=6),
    st.dictionaries(st.sampled_from(["prompt_tokens_details", "reasoning_tokens", "timings"]), COUNTS, max_size=2),
    st.sampled_from([None, (",", ":")]),
)
def test_what_replies_took_is_read_as_if_it_had_been_parsed(
    counts: list[tuple[Any, Any, Any]], more: dict[str, Any], separators: tuple[str, str] | None
) -> None:
    shapes = Shapes()
    for number, (completion, prompt, total) in enumerate(counts):
        usage = {"completion_tokens": completion, "prompt_tokens": prompt, "total_tokens": total, **more}
        chunk = {"id": f"chatcmpl-{number}", "created": 1_700_000_000 + number, "choices": [], "usage": usage}
        data = json.dumps(chunk, separators=separators).encode()
        reader, piece = AlikeReader("/v1/chat/completions", shapes), Piece(0, read_chunk(chunk))
        found = reader.read_shared(data)
        if isinstance(found, Spent):
            assert (piece, prompt) == (found.piece, found.prompt)
        else:
            assert found is None
            reader.learn(data, chunk, piece)
    if not more and all(type(one) is int and 0 <= one < 10**7 for one in counts[0] + counts[-1]):
        assert isinstance(found, Spent)


def test_choices_are_counted_apart_and_their_usage_together() -> None:
    meter = Meter(2)
    for index in (0, 1, 1):
        meter.take(index, Reading(text="word ", piece=True))
    assert 3 == meter.tokens
    for index in (0, 1):
        meter.take(index, Reading(finish="stop", blank=True))
    meter.take(0, Reading(tokens=40, counted_by="usage"))
    assert (40, {0: "stop", 1: "stop"}, [0, 1]) == (meter.tokens, meter.finished, meter.indices)


def test_a_usage_before_all_choices_have_ended_is_about_the_last_that_has() -> None:
    meter = Meter(3)
    for index in (0, 1, 2):
        meter.take(index, Reading(text="word ", piece=True))
    for index, tokens in ((2, 2), (0, 6), (1, 3)):  # as llama.cpp says them, the token that ends a choice among them
        meter.take(index, Reading(finish="stop", blank=True))
        meter.take(0, Reading(tokens=tokens, counted_by="usage"))
    assert 11 == meter.tokens
    meter.take(0, Reading(tokens=9, counted_by="usage"))  # one more, about nobody in particular
    assert 11 == meter.tokens
