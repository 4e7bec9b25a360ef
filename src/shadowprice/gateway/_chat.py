"""``/v1/chat/completions`` and ``/v1/completions``."""

import json
import time
from typing import Any

from shadowprice._pages import decode_json
from shadowprice.engines import Dialect, read_chunk
from shadowprice.gateway._merged import joined, merge
from shadowprice.gateway._protocol import (
    MOST_CHOICES,
    AbstractGathering,
    AbstractProtocol,
    Ending,
    Json,
    Piece,
    last_question,
    positive,
    text_of,
)

_OURS = ("choices", "usage", "object")


class Completions(AbstractProtocol):
    """Text from text."""

    path = "/v1/completions"
    caps: tuple[str, ...] = ("max_tokens",)
    repeats = True
    chunk = "text_completion"
    """What a chunk calls itself."""
    whole = "text_completion"
    """What a whole reply calls itself."""

    def choices(self, body: Json) -> int:
        """Every prompt gets `n` replies, and `best_of` are written where it is more."""
        prompts = body.get("prompt")
        several = isinstance(prompts, list) and bool(prompts) and not isinstance(prompts[0], int)
        each = each_choices(body)
        return each * (len(prompts) if several and isinstance(prompts, list) else 1)

    def question(self, body: Json) -> str | None:
        """The prompt, if it is text."""
        return text_of(body.get("prompt")) or None

    def written(self, body: Json, cap: int, dialect: Dialect, thinking: int | None) -> Json:
        """See `AbstractProtocol.written`."""
        written = self.capped(body, cap) | self.thinking(body, cap, dialect, thinking)
        if not self.suffices(body, dialect):
            written[self.cap_of(dialect)] = cap
        written["stream"] = True
        written["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return written

    def thinking(self, body: Json, cap: int, dialect: Dialect, most: int | None) -> Json:
        """Fields that cap reasoning; a text has none."""
        del body, cap, dialect, most
        return {}

    def cap_of(self, dialect: Dialect) -> str:
        """The field that caps a reply there."""
        del dialect
        return "max_tokens"

    def suffices(self, body: Json, dialect: Dialect) -> bool:
        """Whether a server takes the caps that a client named, and would refuse another beside them."""
        del body, dialect
        return False

    def hides(self, event: Json, *, usage: bool) -> bool:
        """The usage of a client that did not ask for it."""
        return not usage and not event.get("choices") and bool(event.get("usage"))

    def read(self, event: Json) -> list[Piece]:
        """See `AbstractProtocol.read`."""
        choices = event.get("choices")
        if not isinstance(choices, list) or len(choices) < 2:
            return [Piece(_index(choices), read_chunk(event))]
        counts = {name: event[name] for name in ("usage", "timings") if name in event}
        pieces = [Piece(_index([choice]), read_chunk({"choices": [choice]})) for choice in choices]
        return [*pieces, Piece(0, read_chunk(counts))] if counts else pieces

    def gathering(self, *, keep: bool) -> AbstractGathering:
        """See `AbstractProtocol.gathering`."""
        return _Gathering(self, keep)


class Chat(Completions):
    """Messages from messages; pictures and tools among them are passed on."""

    path = "/v1/chat/completions"
    caps = ("max_completion_tokens", "max_tokens")
    chunk = "chat.completion.chunk"
    whole = "chat.completion"

    def choices(self, body: Json) -> int:
        """Replies to one conversation."""
        return each_choices(body)

    def question(self, body: Json) -> str | None:
        """What the user said last."""
        return last_question(body.get("messages"))

    def thinking(self, body: Json, cap: int, dialect: Dialect, most: int | None) -> Json:
        """Fields that cap reasoning, unless the client has set a lower cap itself."""
        if most is None or dialect.think is None:
            return {}
        fields = dialect.think(min(most, cap))
        own = [body[name] for name in fields if isinstance(body.get(name), int) and not isinstance(body[name], bool)]
        return {} if any(0 <= value <= min(most, cap) for value in own) else fields

    def cap_of(self, dialect: Dialect) -> str:
        """The field that caps a reply there."""
        return dialect.cap

    def suffices(self, body: Json, dialect: Dialect) -> bool:
        """OpenAI knows both names, and refuses them together."""
        return dialect.name == "openai" and any(body.get(name) is not None for name in self.caps)


class _Gathering(AbstractGathering):
    """A chat's chunks, or those of a completion."""

    def __init__(self, protocol: Completions, keep: bool) -> None:
        self._protocol = protocol
        self._keep = keep
        self._first = b""
        self._top: Json = {}
        self._choices: dict[int, Json] = {}
        self._usage: Any = None

    def add(self, event: Json) -> None:
        """See `AbstractGathering.add`."""
        if not self._keep:
            self._top = self._top or {name: value for name, value in event.items() if name not in _OURS}
            return
        self._top |= {name: value for name, value in event.items() if name not in _OURS}
        self._usage = event.get("usage") or self._usage
        for choice in event.get("choices") or ():
            if isinstance(choice, dict):
                index = _index([choice])
                merge(self._choices.setdefault(index, {"index": index}), choice)

    def more(self, index: int, field: str, text: str) -> None:
        """See `AbstractGathering.more`."""
        if self._keep:
            delta = {field: text}
            chat = self._protocol.whole == "chat.completion"
            merge(self._choices.setdefault(index, {"index": index}), {"delta": delta} if chat else delta)

    def known(self, data: bytes) -> None:
        """See `AbstractGathering.known`: the first is parsed if the last words have to be like it."""
        self._first = self._first or data

    def whole(self, ending: Ending | None) -> Json:
        """See `AbstractGathering.whole`."""
        chat = self._protocol.whole == "chat.completion"
        if ending is not None:
            self._usage = ending.counts
            for index in ending.choices:
                self._choices.setdefault(index, {"index": index})["finish_reason"] = "length"
        choices = []
        for _, choice in sorted(self._choices.items()):
            made = joined(choice)
            delta = made.pop("delta", {})
            if chat:
                made = {"index": made.pop("index"), "message": {"role": "assistant", "content": None} | delta, **made}
            else:
                made = {"text": ""} | made
            choices.append(made | {"finish_reason": made.get("finish_reason")})
        whole = {**self._top, "object": self._protocol.whole, "choices": choices}
        if self._usage is not None:
            whole["usage"] = self._usage
        return whole | ({"shadowprice": ending.told} if ending is not None else {})

    def last_words(self, ending: Ending) -> bytes:
        """See `AbstractGathering.last_words`."""
        chat = self._protocol.chunk == "chat.completion.chunk"
        if self._first and not self._top:
            self.add(decode_json(self._first))
        top = {"id": ending.name, "created": int(time.time()), "model": ending.model} | self._top
        top = {name: value for name, value in top.items() if name != "timings"} | {"object": self._protocol.chunk}
        empty: Json = {"delta": {}} if chat else {"text": ""}
        choices = [{"index": index, **empty, "finish_reason": "length"} for index in ending.choices]
        chunks = [{**top, "choices": choices, "shadowprice": ending.told}]
        if ending.usage:
            chunks.append({**top, "choices": [], "usage": ending.counts})
        return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


def each_choices(body: Json) -> int:
    """Replies to one prompt, by all names for them: llama.cpp has one of its own."""
    return max(positive(body, name, MOST_CHOICES) or 1 for name in ("n", "n_cmpl", "best_of"))


def _index(choices: Any) -> int:
    index = choices[0].get("index") if isinstance(choices, list) and choices and isinstance(choices[0], dict) else 0
    return index if isinstance(index, int) and 0 <= index < MOST_CHOICES * MOST_CHOICES else 0
