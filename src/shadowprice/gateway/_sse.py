"""Server-sent events as they are written: each event's own bytes, and what it says.

`shadowprice.engines` reads events for their data alone. Here the bytes go on to somebody else as they came, so that an
event is kept whole, and nothing of one is handed on before its end has come: what is added or left out must stand
between two events.
"""

import re
from typing import Final, NamedTuple

_END: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
"""A blank line, however lines end."""
_LONGEST_END: Final = 4
_MARK: Final = b"\xef\xbb\xbf"
"""What a stream may begin with to say that it is UTF-8."""
_LINE: Final = re.compile(rb"\r\n|\n|\r")


class EventTooLongError(ValueError):
    """An event is longer than may be."""


class Event(NamedTuple):
    """One event."""

    raw: bytes
    """As it came, its blank line included."""
    data: bytes | None
    """What it says; None where it says nothing, as comments do."""


class EventSplitter:
    """Cuts one stream into events.

    Args:
        most: Bytes of the longest event.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = b""

    @property
    def rest(self) -> bytes:
        """What has come of an event whose end has not."""
        return self._open

    def only(self, block: bytes) -> bytes | None:
        """The data of a block that is one plain event and nothing else, as most are; None of any other."""
        if self._open or len(block) > self._most or not (block.startswith(b"data: ") and block.endswith(b"\n\n")):
            return None
        return None if b"\r" in block or block.find(b"\n", 6) != len(block) - 2 else block[6:-2]

    def feed(self, block: bytes) -> list[Event]:
        """The events that these bytes complete.

        Raises:
            EventTooLongError: One is too long, even if its end has not come yet.
        """
        if self._open:
            block, done = self._open + block, len(self._open)
        else:
            done = 0
        if b"\r" not in block:
            parts = block.split(b"\n\n") if done == 0 or block.find(b"\n\n", max(0, done - 1)) >= 0 else [block]
            self._open = parts.pop()
            events = [Event(part + b"\n\n", _data(part)) for part in parts]
        else:
            events = self._with_returns(block, done)
        if len(self._open) > self._most or any(len(event.raw) > self._most for event in events):
            raise EventTooLongError(f"an event is longer than {self._most} bytes")
        return events

    def _with_returns(self, block: bytes, done: int) -> list[Event]:
        events, start = [], 0
        place = max(0, done - _LONGEST_END)
        while (end := _END.search(block, place)) is not None:
            if end.end() == len(block) and block.endswith(b"\r"):
                break  # an LF that belongs to it may be yet to come
            events.append(Event(block[start : end.end()], _data(block[start : end.start()])))
            start = place = end.end()
        self._open = block[start:]
        return events


def _data(event: bytes) -> bytes | None:
    """The data of a whole event, without its blank line."""
    if event.startswith(b"data: ") and b"\n" not in event and b"\r" not in event:
        return event[6:]
    lines = [line for line in _LINE.split(event.removeprefix(_MARK)) if line == b"data" or line.startswith(b"data:")]
    return b"\n".join(_value(line) for line in lines) if lines else None


def _value(line: bytes) -> bytes:
    return line.removeprefix(b"data").removeprefix(b":").removeprefix(b" ")
