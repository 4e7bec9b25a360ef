"""Chunks that are like an earlier one: they are read without being parsed.

Most chunks of a stream differ from another in nothing but their text: the same letters before it, and the same after
it. A text in JSON ends at the first quotation mark that no backslash escapes. So if what stands between the two has no
such mark, the chunk says what the earlier one said, with this text.

From stream to stream, chunks differ in a name and a time as well, which say nothing of the reply. What is left without
them is remembered for all streams: chunks with a text, those that open and end a reply, and those that say what it
took. No name of that form stands in a text, as JSON escapes its quotation marks; and what is remembered holds no field
in which a name would be text.
"""

import json
import re
from typing import Any, Final, NamedTuple

from shadowprice.engines import Reading
from shadowprice.gateway._protocol import Json, Piece

_FIELDS: Final = ("content", "text", "reasoning_content", "reasoning")
_JSON: Final = json.JSONDecoder()
_MOST: Final = 4
"""Kinds of chunk of a stream."""
_MOST_SHARED: Final = 256
"""The same of all streams; beyond that they are learnt anew."""
_LONGEST: Final = 4096
"""Bytes of a chunk that is remembered."""
_CHOICES: Final = b'"choices"'
_USAGE: Final = b'"usage"'
_COUNT: Final = re.compile(rb'"(completion|prompt|total)_tokens": ?(\d{1,7})(?=[,}])')
"""What differs between chunks that say how many tokens a reply took: numbers that no service finds absurd."""
_VARIES: Final = re.compile(rb'"id": ?"[\w.:-]{1,100}"|"created": ?\d{1,20}')


class Alike(NamedTuple):
    """What chunks of one kind have in common."""

    before: bytes
    after: bytes
    choice: int
    """Its index."""
    field: str
    """The field of the delta that holds the text."""

    def text(self, data: bytes) -> str | None:
        """The text of a chunk; None if it is of another kind."""
        before, after = self.before, self.after
        if len(data) > len(before) + len(after) and data.startswith(before) and data.endswith(after):
            return _text(data[len(before) : len(data) - len(after)])
        return None


class Spent(NamedTuple):
    """A chunk that says how many tokens a reply took, and nothing else of it."""

    event: Json
    """One such chunk, parsed."""
    choice: int
    tokens: int
    prompt: int

    @property
    def piece(self) -> Piece:
        """What it says, as if it had been parsed."""
        return Piece(self.choice, Reading(tokens=self.tokens, counted_by="usage"))


class Shapes:
    """What was learnt of chunks from all streams of one gateway."""

    def __init__(self) -> None:
        self._alike: dict[str, list[Alike]] = {}
        self._frames: dict[tuple[str, bytes], Piece] = {}
        self._spent: dict[tuple[str, bytes], tuple[Json, int]] = {}

    def read(self, path: str, plain: bytes) -> tuple[Alike, str] | None:
        """The text of a chunk without name and time, if it is like another."""
        for known in self._alike.get(path, ()):
            text = known.text(plain)
            if text is not None:
                return known, text
        return None

    def frame(self, path: str, plain: bytes) -> Piece | None:
        """What a chunk without name and time says that was there before."""
        return self._frames.get((path, plain))

    def spent(self, path: str, plain: bytes) -> Spent | None:
        """What a chunk says of what a reply took, if it is like one that was there before."""
        found = self._spent.get((path, _COUNT.sub(b"", plain)))
        return None if found is None else Spent(*found, *_said(plain))

    def learn_spent(self, path: str, plain: bytes, event: Json, piece: Piece) -> None:
        """Remember a chunk that says how many tokens a reply took, if it says nothing that we would not read so."""
        names = sorted(name for name, _ in _COUNT.findall(plain))
        if names != [b"completion", b"prompt", b"total"] or len(plain) > _LONGEST:
            return
        if piece.reading != Reading(tokens=_said(plain)[0], counted_by="usage"):
            return
        if len(self._spent) >= _MOST_SHARED:
            self._spent.clear()
        self._spent[path, _COUNT.sub(b"", plain)] = event, piece.choice

    def learn(self, path: str, alike: Alike) -> None:
        """Remember a kind of chunk."""
        known = self._alike.setdefault(path, [])
        if len(known) >= _MOST:  # the newest are the likeliest
            del known[0]
        known.append(alike)

    def learn_frame(self, path: str, plain: bytes, piece: Piece) -> None:
        """Remember a chunk that opens or ends a reply."""
        reading = piece.reading
        if reading.piece or reading.unread or reading.tokens is not None or reading.absurd or reading.error is not None:
            return
        if len(self._frames) >= _MOST_SHARED:
            self._frames.clear()
        if len(plain) <= _LONGEST:
            self._frames[path, plain] = piece


class AlikeReader:
    """Learns from chunks that were parsed, and reads those that are like them; of one stream.

    Args:
        path: The API's.
        shapes: What other streams have taught.
    """

    def __init__(self, path: str, shapes: Shapes) -> None:
        self._path = path
        self._shapes = shapes
        self._known: list[Alike] = []
        self._head = self._plain_head = b""
        """What stands before the choices, as it comes and without what varies; the same in all chunks of a stream."""

    def read(self, data: bytes) -> tuple[Alike, str] | None:
        """The text of a chunk, and what it is like; None if it has to be parsed."""
        for known in self._known:
            text = known.text(data)
            if text is not None:
                return known, text
        return None

    def read_shared(self, data: bytes) -> tuple[Alike, str] | Piece | Spent | None:
        """The same by what other streams have taught; a piece for what opens and ends a reply."""
        plain = self._plain(data)
        if _USAGE in plain and (spent := self._shapes.spent(self._path, plain)) is not None:
            return spent
        found = self._shapes.read(self._path, plain)
        if found is None:
            return self._shapes.frame(self._path, plain)
        known, text = found
        self._learn(data, known.choice, known.field, text)
        return found

    def learn(self, data: bytes, event: Json, piece: Piece) -> None:
        """A chunk was parsed, and this is what it says."""
        reading = piece.reading
        if not reading.piece:
            if not event.get("choices") and event.get("usage"):
                self._shapes.learn_spent(self._path, self._plain(data), event, piece)
            elif event.get("choices") and not event.get("usage") and not event.get("timings"):
                self._shapes.learn_frame(self._path, self._plain(data), piece)
            return
        if reading.unread or reading.finish is not None:
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
        alike = self._learn(data, piece.choice, field, text)
        if alike is not None and len(data) <= _LONGEST:
            before, after = _VARIES.sub(b"", alike.before), _VARIES.sub(b"", alike.after)
            self._shapes.learn(self._path, alike._replace(before=before, after=after))

    def _plain(self, data: bytes) -> bytes:
        """A chunk without its name and its time."""
        place = data.find(_CHOICES)
        head = data[:place]
        if place < 0 or b'"id"' in (rest := data[place:]) or b'"created"' in rest:
            return _VARIES.sub(b"", data)
        if head != self._head:
            self._head, self._plain_head = head, _VARIES.sub(b"", head)
        return self._plain_head + rest

    def _learn(self, data: bytes, choice: int, field: str, text: str) -> Alike | None:
        for mark in (b'"' + field.encode() + b'":"', b'"' + field.encode() + b'": "'):
            if data.count(mark) == 1:
                start = data.index(mark) + len(mark)
                end = _end(data, start)
                if end > start and _text(data[start:end]) == text:
                    alike = Alike(data[:start], data[end:], choice, field)
                    if len(self._known) < _MOST:
                        self._known.append(alike)
                    return alike
                return None
        return None


def _said(plain: bytes) -> tuple[int, int]:
    """Tokens of the reply and of its prompt; some services leave reasoning out of the one, see `read_chunk`."""
    said = {name: int(number) for name, number in _COUNT.findall(plain)}
    return max(said[b"completion"], said[b"total"] - said[b"prompt"]), said[b"prompt"]


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
