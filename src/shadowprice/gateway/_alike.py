"""Chunks that differ from an earlier one in nothing but their text: they are read without being parsed.

Most chunks of a stream do: the same letters before the text, and the same after it. A text in JSON ends at the first
quotation mark that no backslash escapes. So if what stands between the two has no such mark, the chunk says what the
earlier one said, with this text.
"""

import json
from typing import Any, Final, NamedTuple

from shadowprice.gateway._protocol import Json, Piece

_FIELDS: Final = ("content", "text", "reasoning_content", "reasoning")
_JSON: Final = json.JSONDecoder()
_MOST: Final = 4


class Alike(NamedTuple):
    """What chunks of one kind have in common."""

    before: bytes
    after: bytes
    choice: int
    """Its index."""
    field: str
    """The field of the delta that holds the text."""


class AlikeReader:
    """Learns from chunks that were parsed, and reads those that are like them."""

    def __init__(self) -> None:
        self._known: list[Alike] = []

    def read(self, data: bytes) -> tuple[Alike, str] | None:
        """The text of a chunk, and what it is like; None if it has to be parsed."""
        for known in self._known:
            before, after = known.before, known.after
            if len(data) > len(before) + len(after) and data.startswith(before) and data.endswith(after):
                text = _text(data[len(before) : len(data) - len(after)])
                if text is not None:
                    return known, text
        return None

    def learn(self, data: bytes, event: Json, piece: Piece) -> None:
        """A chunk was parsed, and this is what it says."""
        reading = piece.reading
        if len(self._known) >= _MOST or not reading.piece or reading.unread or reading.finish is not None:
            return
        if reading.tokens is not None or reading.absurd or bool(reading.text) == bool(reading.thinking):
            return
        choices: Any = event.get("choices")
        if not isinstance(choices, list) or len(choices) != 1:
            return
        choice: Any = choices[0]
        holder = choice.get("delta") if isinstance(choice.get("delta"), dict) else choice
        text = reading.text or reading.thinking
        field = next((name for name in _FIELDS if holder.get(name) == text), None)
        if field is None:
            return
        for mark in (b'"' + field.encode() + b'":"', b'"' + field.encode() + b'": "'):
            if data.count(mark) == 1:
                start = data.index(mark) + len(mark)
                end = _end(data, start)
                if end > start and _text(data[start:end]) == text:
                    self._known.append(Alike(data[:start], data[end:], piece.choice, field))
                return


def _end(data: bytes, start: int) -> int:
    """Where a text ends that begins there: at a quotation mark that nothing escapes; -1 if nowhere."""
    place = start
    while (place := data.find(b'"', place)) >= 0:
        slashes = len(data[start:place]) - len(data[start:place].rstrip(b"\\"))
        if slashes % 2 == 0:
            return place
        place += 1
    return -1


def _text(middle: bytes) -> str | None:
    """A text as JSON writes it, without its quotation marks; None if it is none."""
    try:
        text = middle.decode()
        if "\\" not in text:
            return text if '"' not in text else None
        found = _JSON.decode(f'"{text}"')
    except ValueError:
        return None
    return found if isinstance(found, str) else None
