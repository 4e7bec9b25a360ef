"""Anthropic's ``/v1/messages``, where a server has it."""

from typing import Any, Final

from shadowprice.engines import Dialect, Reading
from shadowprice.gateway._merged import joined, merge
from shadowprice.gateway._protocol import AbstractGathering, Ending, Json, last_question
from shadowprice.gateway._typed import TypedProtocol, counted, event_bytes, text

_LENGTH: Final = "max_tokens"


class Messages(TypedProtocol):
    """Messages from messages, in blocks."""

    path = "/v1/messages"
    caps = ("max_tokens",)

    def question(self, body: Json) -> str | None:
        """What the user said last."""
        return last_question(body.get("messages"))

    def written(self, body: Json, cap: int, dialect: Dialect, thinking: int | None) -> Json:
        """See `AbstractProtocol.written`; a budget of thinking must leave room for an answer."""
        written = super().written(body, cap, dialect, thinking)
        wish = written.get("thinking")
        if isinstance(wish, dict) and isinstance(tokens := wish.get("budget_tokens"), int) and tokens >= cap:
            written["thinking"] = wish | {"budget_tokens": max(1, cap - 1)}
        return written

    def reading(self, event: Json) -> Reading:
        """See `TypedProtocol.reading`."""
        kind = event.get("type")
        if kind == "content_block_delta":
            delta = event.get("delta")
            if not isinstance(delta, dict):
                return Reading()
            thinking, written = text(delta.get("thinking")), text(delta.get("text"))
            unread = text(delta.get("partial_json"))
            return Reading(written, thinking, unread, piece=bool(thinking or written or unread))
        if kind == "message_delta":
            delta = event.get("delta")
            reason = text(delta.get("stop_reason")) if isinstance(delta, dict) else ""
            return counted(event.get("usage"), finish=_word(reason))
        if kind == "error":
            return Reading(error=event.get("error") or event)
        if kind == "message":  # a whole reply, of a server that does not stream
            written = " ".join(_texts(event.get("content")))
            finish = _word(text(event.get("stop_reason")) or "end_turn")
            return counted(event.get("usage"), finish=finish, text=written, piece=True)
        return Reading()

    def gathering(self, *, keep: bool) -> AbstractGathering:
        """See `AbstractProtocol.gathering`."""
        return _Gathering(keep)


class _Gathering(AbstractGathering):
    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._message: Json = {}
        self._blocks: dict[int, Json] = {}
        self._open: list[int] = []

    def add(self, event: Json) -> None:
        """See `AbstractGathering.add`."""
        kind, index = event.get("type"), event.get("index")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            self._message = event["message"]
        elif kind == "content_block_start" and isinstance(index, int):
            self._open.append(index)
            block = event.get("content_block")
            merge(self._blocks.setdefault(index, {}), block if isinstance(block, dict) else {})
        elif kind == "content_block_stop" and index in self._open:
            self._open.remove(index)
        elif kind == "content_block_delta" and isinstance(index, int) and self._keep:
            delta = event.get("delta")
            if isinstance(delta, dict):
                merge(self._blocks.setdefault(index, {}), {k: v for k, v in delta.items() if k != "type"})
        elif kind == "message_delta" and isinstance(delta := event.get("delta"), dict):
            usage = {**(self._message.get("usage") or {}), **(event.get("usage") or {})}
            self._message = self._message | delta | {"usage": usage}

    def more(self, index: int, field: str, text: str) -> None:
        """See `AbstractGathering.more`; events of this API are always parsed."""

    def whole(self, ending: Ending | None) -> Json:
        """See `AbstractGathering.whole`."""
        import json

        blocks = [joined(block) for _, block in sorted(self._blocks.items())]
        for block in blocks:
            if "partial_json" in block:
                try:
                    block["input"] = json.loads(block.pop("partial_json") or "{}")
                except ValueError:  # a call that was cut off
                    block["input"] = {}
        made = self._message | {"content": blocks}
        if ending is not None:
            usage = {**(self._message.get("usage") or {}), "output_tokens": ending.tokens}
            made |= {"stop_reason": _LENGTH, "usage": usage, "shadowprice": ending.told}
        return made

    def last_words(self, ending: Ending) -> bytes:
        """See `AbstractGathering.last_words`."""
        events: list[Json] = [{"type": "content_block_stop", "index": index} for index in self._open]
        delta = {"stop_reason": _LENGTH, "stop_sequence": None}
        usage = {"output_tokens": ending.tokens}
        events.append({"type": "message_delta", "delta": delta, "usage": usage, "shadowprice": ending.told})
        events.append({"type": "message_stop"})
        return b"".join(map(event_bytes, events))


def _word(finish: str) -> str | None:
    return ("length" if finish == _LENGTH else finish) or None


def _texts(content: Any) -> list[str]:
    blocks = content if isinstance(content, list) else []
    names = ("text", "thinking")
    return [text(block.get(name)) for block in blocks if isinstance(block, dict) for name in names]
