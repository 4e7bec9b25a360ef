"""Streams of queries, mixed from three tiers of difficulty."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import IntArray
from shadowprice.traces import TIERS, Traces

STREAM_SIZE: Final = 500
"""Queries in a stream, if the tiers are large enough."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A mix of tiers."""

    name: str
    """What the command line and the tables call it."""
    shares: tuple[float, float, float]
    """Shares of easy, medium and hard queries; they add up to 1."""


STREAMS: Final[dict[str, Stream]] = {
    stream.name: stream
    for stream in (
        Stream("balanced", (1 / 3, 1 / 3, 1 / 3)),
        Stream("mostly-easy", (0.8, 0.1, 0.1)),
        Stream("mostly-hard", (0.1, 0.1, 0.8)),
        Stream("u-shaped", (0.45, 0.1, 0.45)),
    )
}
"""The paper's four streams. It does not print its mixes; ours are the project's evaluation protocol."""


def get_stream(name: str) -> Stream:
    """The stream of that name.

    Raises:
        InputError: There is none.
    """
    if name not in STREAMS:
        raise InputError(f"There is no stream '{name}'; choose from {', '.join(STREAMS)}.")
    return STREAMS[name]


class StreamSampler:
    """Draws streams from traces, without replacement.

    Args:
        traces: Where the questions are from.
        stream: The mix.

    Raises:
        InputError: A tier that the stream needs has no questions.
    """

    def __init__(self, traces: Traces, stream: Stream) -> None:
        tiers = np.array(traces.strata)
        self._members = [np.flatnonzero(tiers == tier) for tier in TIERS]
        for tier, members, share in zip(TIERS, self._members, stream.shares, strict=True):
            if not members.size:
                raise InputError(
                    f"{traces.name} has no questions in the tier '{tier}', of which the stream {stream.name} is made "
                    f"to {share:.0%}; add a column `tier` with easy, medium and hard."
                )
        room = min(members.size / share for members, share in zip(self._members, stream.shares, strict=True))
        self.size = min(STREAM_SIZE, int(room + 1e-9))
        """Queries in each stream drawn; fewer than `STREAM_SIZE` if a tier is too small."""
        easy, medium = (round(share * self.size) for share in stream.shares[:2])
        self._counts = (easy, medium, self.size - easy - medium)

    def draw(self, rng: np.random.Generator) -> IntArray:
        """Numbers of the questions in one stream: ``(size,)``."""
        drawn = [
            rng.choice(members, min(count, members.size), replace=False)
            for members, count in zip(self._members, self._counts, strict=True)
        ]
        return np.concatenate(drawn)
