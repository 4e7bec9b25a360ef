"""Server-sent events, however their bytes are cut: beside the parser of httpx2, and by the standard's own examples."""

import itertools

import pytest
from httpx2._sse import _SSEParser
from hypothesis import given
from hypothesis import strategies as st

from shadowprice.engines._events import EventReader, EventSizeError


def read(stream: bytes, *cuts: int, most: int = 1000) -> list[str]:
    """The data of a stream's events, whose bytes come in blocks that end at the cuts."""
    reader = EventReader(most)
    places = [0, *sorted(cuts), len(stream)]
    return [data for begin, end in itertools.pairwise(places) if end > begin for data in reader.feed(stream[begin:end])]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
        (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
            ["first event", "second event"],
        ),
        (b"data\n\ndata\ndata\n\ndata:", ["", "\n"]),
        (b"data:test\n\ndata: test\n\n", ["test", "test"]),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", ["a"]),
        (b"data: a\r\rdata: b\r\n\r\ndata: c\n\r\ndata: d\r\n\r", ["a", "b", "c", "d"]),
        (b"data: a\x0b\x0c\x1c\xc2\x85\xe2\x80\xa8b\n\n", ["a\x0b\x0c\x1c\x85\u2028b"]),
        (b"data: \xff\xf0\x9f\n\n", ["\ufffd\ufffd"]),
        (b"dataset: x\nDATA: x\n data: x\nevent: data\nid: 7\nretry: 3\n\n", []),
        (b"\n\n\n\ndata: a\n\n\n\n\n", ["a"]),
        (b"data: a\n", []),
        (b"", []),
        (b"\xef\xbb", []),
    ],
)
def test_what_a_stream_says(stream: bytes, events: list[str]) -> None:
    assert events == read(stream)
    assert events == read(stream, *range(1, len(stream)))
    for cut in range(1, len(stream)):
        assert events == read(stream, cut)


ENDS = st.sampled_from(["\n", "\r", "\r\n"])
TEXTS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
FIELDS = st.one_of(
    TEXTS.map(": {}".format),
    TEXTS.map("data:{}".format),
    TEXTS.map("data: {}".format),
    st.just("data"),
    TEXTS.map("event: {}".format),
    TEXTS,
)


@given(st.lists(st.lists(st.tuples(FIELDS, ENDS), max_size=5), max_size=5), ENDS, st.data())
def test_every_stream_is_read_as_another_parser_reads_it(
    written: list[list[tuple[str, str]]], blank: str, draw: st.DataObject
) -> None:
    # Something after the last CR shows that no LF belongs to it; the other parser waits for that.
    text = "x" + "".join("".join(field + end for field, end in event) + blank for event in written) + ":"
    stream = text.encode()
    cuts = draw.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    # The other one also tells of events that have a name or an id and no data, which the standard passes over.
    told = [event.data for event in _SSEParser().decode(text) if event.data]
    assert told == [data for data in read(stream, *cuts) if data]


@given(
    st.lists(TEXTS.flatmap(lambda text: st.lists(st.just(text), min_size=1, max_size=3)), max_size=6), ENDS, st.data()
)
def test_what_is_written_is_read(written: list[list[str]], end: str, draw: st.DataObject) -> None:
    text = "".join("".join(f"data: {line}{end}" for line in event) + end for event in written)
    stream = text.encode()
    cuts = draw.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    assert ["\n".join(event) for event in written] == read(stream, *cuts)


@pytest.mark.parametrize(
    "stream", [b"data: " + 95 * b"x", b"data: " + 95 * b"x" + b"\n\n", 12 * b": ping ok\n", 101 * b"\n:"]
)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_an_event_has_a_longest_size(stream: bytes, step: int) -> None:
    assert [] == read(stream[:100], *range(0, 100, step), most=100)
    with pytest.raises(EventSizeError, match="exceeded the 100 byte limit"):
        read(stream, *range(0, len(stream), step), most=100)


def test_a_long_event_in_many_blocks_is_not_copied_with_each() -> None:
    reader, block = EventReader(64 << 20), 1000 * b"x"
    assert [] == reader.feed(b"data: ")
    for _ in range(32_000):  # with a copy of all that came before for each, this would be 512 GB
        assert [] == reader.feed(block)
    (data,) = reader.feed(b"\n\n")
    assert 32_000_000 == len(data)
