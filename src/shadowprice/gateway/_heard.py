"""What is heard of one reply: its events counted, and sorted into those that its client gets and those it does not."""

from collections.abc import Callable
from typing import Any, Final

from shadowprice._pages import decode_json
from shadowprice.engines import MalformedChunkError
from shadowprice.gateway._alike import Alike, AlikeReader, Shapes, Spent
from shadowprice.gateway._call import Call
from shadowprice.gateway._meter import Meter
from shadowprice.gateway._protocol import Ending, Json, Piece
from shadowprice.gateway._sse import EventSplitter

_DONE: Final = b"[DONE]"
"""Data of the event by which a chat's stream says that it is over."""
_MOST_EVENT: Final = 4 << 20
"""Bytes."""
_WHOLE_ENDS: Final = frozenset({"stop", "tool_calls", "function_call", "end_turn", "stop_sequence", "tool_use"})
"""Words for a reply that its model has ended."""


class Heard:
    """Hears one reply.

    Args:
        call: What was asked for.
        saw: Told each text that was written.
        shapes: What other streams have taught; nothing if left out.
    """

    def __init__(self, call: Call, saw: Callable[[str], None], shapes: Shapes | None = None) -> None:
        self.cap = 0
        """Tokens that its server may make, all choices together."""
        self.over = False
        """Whether the server has said that the stream is over."""
        self.farewell = b""
        """The event by which it did."""
        self.failed = False
        """Whether it has said that something went wrong."""
        self.beyond = False
        """Whether it goes on beyond its cap; what it says there is handed on to nobody."""
        self.meter = Meter(call.choices)
        self.gathering = call.protocol.gathering(keep=not call.stream)
        self._call = call
        self._saw = saw
        self._splitter = EventSplitter(_MOST_EVENT)
        self._alike = AlikeReader(call.protocol.path, shapes or Shapes())
        self._alone = call.choices == 1
        self._frames = call.stream and self._alone and call.protocol.repeats
        self._prompt = 0
        self._indices: set[int] = set()
        """Choices that something has come of."""

    @property
    def whole(self) -> bool:
        """Whether every choice has ended."""
        return len(self.meter.finished) >= self._call.choices

    @property
    def finished(self) -> bool:
        """Whether every choice was ended by its model. Some servers call a cap an end of the model's own."""
        ends = self.meter.finished.values()
        return self.whole and self.meter.exact() < self.cap and all(end in _WHOLE_ENDS for end in ends)

    def take(self, block: bytes) -> bytes:
        """Count what has come; the bytes that the client gets, whole events as they came.

        Raises:
            EventTooLongError: An event is too long.
            ValueError: One is no JSON.
            MalformedChunkError: One is not what the protocol says.
        """
        if self._alone and (data := self._splitter.only(block)) is not None:
            known = self._alike.read(data)
            if known is not None:
                self._more(*known)
                if not self.beyond and (self.meter.tokens <= self.cap or self.whole):
                    return block
                self.beyond = True
                return b""
        out: list[bytes] = []
        alone = self._alone
        for raw, data in self._splitter.feed(block):
            if data is None:
                out.append(raw)
                continue
            if data == _DONE:
                self.over, self.farewell = True, raw
                break
            known = self._alike.read(data) if alone else None
            if known is None:
                shown = self._recognise(data) if self._frames else self._parse(data)
            else:
                self._more(*known)
                shown = True
            if self.failed:
                out.append(raw)
                break
            self.beyond |= self.meter.tokens > self.cap and not self.whole
            if self.beyond:
                break
            if shown:
                out.append(raw)
        return b"".join(out)

    def take_whole(self, content: bytes) -> None:
        """Count a reply that was not streamed.

        Raises:
            ValueError: It is no JSON.
            MalformedChunkError: It is not what the protocol says.
        """
        event = decode_json(content)
        if not isinstance(event, dict):
            raise MalformedChunkError("a reply that is no object")
        self._count(event)

    def ending(self, name: str, told: Json) -> Ending:
        """What there is to say at the end of a reply that is stopped here."""
        seen = self.meter.indices or range(self._call.choices)
        left = [index for index in seen if index not in self.meter.finished]
        usage = self._call.usage or not self._call.stream
        return Ending(f"shadowprice-{name}", self._call.model, left, self.meter.exact(), self._prompt, usage, told)

    def _recognise(self, data: bytes) -> bool:
        """Count an event that other streams had as well, or parse it; whether the client gets it."""
        known = self._alike.read_shared(data)
        if known is None:
            return self._parse(data)
        if isinstance(known, Spent):
            self.meter.take(*known.piece)
            self._prompt = known.prompt
            return not self._call.protocol.hides(known.event, usage=self._call.usage)
        self.gathering.known(data)
        if isinstance(known, Piece):
            self._met(known.choice)
            self.meter.take(*known)
        else:
            self._more(*known)
        return True

    def _parse(self, data: bytes) -> bool:
        """Count an event; whether the client gets it."""
        event = decode_json(data)
        if not isinstance(event, dict):
            raise MalformedChunkError("an event that is no object")
        self._count(event, data)
        hidden = self._call.protocol.hides(event, usage=self._call.usage)
        if not (hidden and self._call.stream):
            self.gathering.add(event)
        return not hidden

    def _met(self, index: int) -> None:
        """Something has come of a choice. More of them than were asked for are beyond the cap, whatever they hold."""
        if index not in self._indices:
            self._indices.add(index)
            self.beyond |= len(self._indices) > self._call.choices

    def _more(self, alike: Alike, text: str) -> None:
        """A piece that is like an earlier one."""
        self._met(alike.choice)
        self.meter.text(text)
        self.gathering.more(alike.choice, alike.field, text)
        self._saw(text)

    def _count(self, event: dict[str, Any], data: bytes = b"") -> None:
        pieces = self._call.protocol.read(event)
        for index, reading in pieces:
            if reading.error is not None:
                self.failed = True
                return
            if reading.piece or reading.blank or reading.finish is not None:
                self._met(index)
            self.meter.take(index, reading)
            self._saw(reading.thinking + reading.text)
        if data and len(pieces) == 1 and self._call.choices == 1:
            self._alike.learn(data, event, pieces[0])
        usage = event.get("usage")
        if isinstance(usage, dict) and isinstance(prompt := usage.get("prompt_tokens"), int):
            self._prompt = prompt
