"""Streams of queries: mixed from three tiers of difficulty, or as they were recorded."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from shadowprice._errors import InputError, no_such
from shadowprice._types import IntArray
from shadowprice.traces import TIERS, Traces

STREAM_SIZE: Final = 500
"""Queries in a stream, if the tiers are large enough."""
AS_RECORDED: Final = "as-recorded"
ENOUGH_TO_MIX: Final = 90
"""Questions without tiers of which streams can be mixed by their outcomes: thirty for each tier."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A mix of tiers."""

    name: str
    """What the command line and the tables call it."""
    shares: tuple[float, float, float] | None
    """Shares of easy, medium and hard queries; they add up to 1. None takes questions as they come."""


STREAMS: Final[dict[str, Stream]] = {
    stream.name: stream
    for stream in (
        Stream("balanced", (1 / 3, 1 / 3, 1 / 3)),
        Stream("mostly-easy", (0.8, 0.1, 0.1)),
        Stream("mostly-hard", (0.1, 0.1, 0.8)),
        Stream("u-shaped", (0.45, 0.1, 0.45)),
        Stream(AS_RECORDED, None),
    )
}
"""The paper's four streams, and the traces as they are. The paper does not print its mixes; ours are the project's."""
MIXED: Final = tuple(name for name, stream in STREAMS.items() if stream.shares is not None)
"""The names of the paper's streams."""


def default_streams(traces: Traces) -> tuple[str, ...]:
    """Names of the streams for these traces, if nobody chooses.

    The paper's where the questions have tiers. Else the traces as recorded and, where there are enough questions, also
    the paper's of tiers that are made from what happened (`Traces.strata`).
    """
    if set(TIERS) <= set(traces.tiers):
        return MIXED
    mixes = traces.n_queries >= ENOUGH_TO_MIX and set(TIERS) <= set(traces.strata)
    return (AS_RECORDED, *MIXED) if mixes else (AS_RECORDED,)


def get_stream(name: str) -> Stream:
    """The stream of that name.

    Raises:
        InputError: There is none.
    """
    if name not in STREAMS:
        raise no_such("stream", name, STREAMS)
    return STREAMS[name]


class StreamSampler:
    """Draws streams from traces, without replacement; as recorded, with it, as others of the kind might have come.

    Args:
        traces: Where the questions are from.
        stream: The mix.

    Raises:
        InputError: A tier that the stream needs has no questions.
    """

    def __init__(self, traces: Traces, stream: Stream) -> None:
        self._every = traces.n_queries
        self.size = min(STREAM_SIZE, traces.n_queries)
        """Queries in each stream drawn; fewer than `STREAM_SIZE` if the traces or a tier are too small."""
        self._counts: tuple[int, int, int] | None = None
        if stream.shares is None:
            return
        tiers = np.array(traces.strata)
        self._members = [np.flatnonzero(tiers == tier) for tier in TIERS]
        for tier, members, share in zip(TIERS, self._members, stream.shares, strict=True):
            if not members.size:
                raise InputError(
                    f"{traces.name} has no questions in the tier '{tier}', of which the stream {stream.name} is made "
                    f"to {share:.0%}; add a column `tier` with easy, medium and hard, or use --streams {AS_RECORDED}."
                )
        room = min(members.size / share for members, share in zip(self._members, stream.shares, strict=True))
        self.size = min(STREAM_SIZE, int(room + 1e-9))
        easy, medium = (round(share * self.size) for share in stream.shares[:2])
        self._counts = (easy, medium, self.size - easy - medium)

    def draw(self, rng: np.random.Generator) -> IntArray:
        """Numbers of the questions in one stream: ``(size,)``."""
        if self._counts is None:
            return np.sort(rng.integers(self._every, size=self.size))
        drawn = [
            rng.choice(members, min(count, members.size), replace=False)
            for members, count in zip(self._members, self._counts, strict=True)
        ]
        return np.concatenate(drawn)
