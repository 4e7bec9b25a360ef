"""Server-sent events: the data of each, from the bytes of a stream as they come.

Reads what the HTML standard says of them (https://html.spec.whatwg.org/multipage/server-sent-events.html): lines end
with LF, CR or both, lines of data are joined, comments and all other fields are passed over, and an event that no blank
line has ended is none.
"""

from typing import Final

_MARK: Final = b"\xef\xbb\xbf"
"""What a stream may begin with to say that it is UTF-8."""


class EventSizeError(ValueError):
    """An event is longer than may be."""


class EventReader:
    """Reads one stream.

    Args:
        most: Bytes of the longest event.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open = bytearray()
        """What has come of the event that is under way; its lines end with LF."""
        self._begun = False
        self._after_return = False
        """Whether the last byte was a CR, to which an LF that follows belongs."""

    def feed(self, block: bytes) -> list[str]:
        """The data of the events that these bytes complete.

        Raises:
            EventSizeError: One is too long, even if its end has not come yet.
        """
        if not self._begun:
            block = self._begin(block)
        if self._after_return or b"\r" in block:
            block = self._with_line_feeds(block)
        if self._open:
            # The blank line may have been cut in two.
            place = max(0, len(self._open) - 1)
            self._open += block
            if self._open.find(b"\n\n", place) < 0:
                self._check(len(self._open))
                return []
            block = bytes(self._open)
            self._open.clear()
        whole, _, rest = block.rpartition(b"\n\n")
        self._open += rest
        self._check(len(rest))
        return [data for event in whole.split(b"\n\n") if (data := self._data(event)) is not None] if whole else []

    def _begin(self, block: bytes) -> bytes:
        """Take the mark away, which may come in parts."""
        block = bytes(self._open) + block
        self._open.clear()
        if len(block) < len(_MARK) and _MARK.startswith(block):
            self._open += block
            return b""
        self._begun = True
        return block.removeprefix(_MARK)

    def _with_line_feeds(self, block: bytes) -> bytes:
        if self._after_return and block:
            block = block.removeprefix(b"\n")
            self._after_return = False
        if block:
            self._after_return = block.endswith(b"\r")
        return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _data(self, event: bytes) -> str | None:
        """The data of a whole event; None where it has none."""
        self._check(len(event))
        if b"\n" not in event and event.startswith(b"data: "):
            return event[6:].decode("utf-8", "replace")
        values = [_value(line) for line in event.split(b"\n") if line == b"data" or line.startswith(b"data:")]
        return b"\n".join(values).decode("utf-8", "replace") if values else None

    def _check(self, size: int) -> None:
        if size > self._most:
            raise EventSizeError(f"Server-sent event exceeded the {self._most} byte limit")


def _value(line: bytes) -> bytes:
    return line.removeprefix(b"data").removeprefix(b":").removeprefix(b" ")
