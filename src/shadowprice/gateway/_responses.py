"""``/v1/responses``."""

from typing import Any, Final

from shadowprice.engines import Reading
from shadowprice.gateway._protocol import AbstractGathering, Ending, Json, flag, last_question
from shadowprice.gateway._refusals import bad_request
from shadowprice.gateway._typed import TypedProtocol, counted, event_bytes, text

_ENDS: Final = {"response.completed": "stop", "response.incomplete": "length", "response.cancelled": "length"}
_THINKING: Final = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")


class Responses(TypedProtocol):
    """OpenAI's newer API; what runs in the background is not taken, as nobody could stop it."""

    path = "/v1/responses"
    caps = ("max_output_tokens",)

    def choices(self, body: Json) -> int:
        """One, and in the foreground."""
        if flag(body, "background"):
            raise bad_request("'background' is true, and such replies cannot be priced; leave it out.", "background")
        return 1

    def question(self, body: Json) -> str | None:
        """What the user said last."""
        given = body.get("input")
        return (given or None) if isinstance(given, str) else last_question(given)

    def reading(self, event: Json) -> Reading:
        """See `TypedProtocol.reading`."""
        kind, delta = text(event.get("type")), text(event.get("delta"))
        if kind.endswith(".delta"):
            if kind in _THINKING:
                return Reading(thinking=delta, piece=bool(delta))
            if kind == "response.output_text.delta":
                return Reading(text=delta, piece=bool(delta))
            return Reading(unread=delta, piece=True)
        if kind in ("error", "response.failed"):
            response = event.get("response")
            return Reading(error=(response.get("error") if isinstance(response, dict) else None) or event)
        if kind in _ENDS:
            response = event.get("response")
            usage = response.get("usage") if isinstance(response, dict) else None
            return counted(usage, finish=_ENDS[kind])
        if "type" not in event and "output" in event:  # a whole reply, of a server that does not stream
            return counted(event.get("usage"), finish="stop", text=_written(event.get("output")), piece=True)
        return Reading()

    def gathering(self, *, keep: bool) -> AbstractGathering:
        """See `AbstractProtocol.gathering`."""
        del keep  # the end of a stream that is cut repeats all of it
        return _Gathering()


class _Gathering(AbstractGathering):
    def __init__(self) -> None:
        self._response: Json = {}
        self._items: list[Json] = []
        self._texts: dict[str, list[str]] = {}
        self._number = -1

    def add(self, event: Json) -> None:
        """See `AbstractGathering.add`."""
        kind = event.get("type")
        if isinstance(number := event.get("sequence_number"), int):
            self._number = number
        if isinstance(response := event.get("response"), dict):
            self._response = response
        item = event.get("item")
        if kind == "response.output_item.added" and isinstance(item, dict):
            self._items.append(item)
        elif kind == "response.output_item.done" and isinstance(item, dict):
            self._items = [item if one.get("id") == item.get("id") else one for one in self._items]
        elif kind == "response.output_text.delta":
            self._texts.setdefault(text(event.get("item_id")), []).append(text(event.get("delta")))

    def more(self, index: int, field: str, text: str) -> None:
        """See `AbstractGathering.more`; events of this API are numbered, and none is like another."""

    def whole(self, ending: Ending | None) -> Json:
        """See `AbstractGathering.whole`."""
        return self._response if ending is None else self._cut(ending)

    def last_words(self, ending: Ending) -> bytes:
        """See `AbstractGathering.last_words`."""
        response = self._cut(ending)
        events: list[Json] = [
            {"type": "response.output_item.done", "output_index": index, "item": item}
            for index, item in enumerate(response["output"])
            if item.get("status") == "incomplete"
        ]
        events.append({"type": "response.incomplete", "response": response})
        if self._number >= 0:
            events = [event | {"sequence_number": self._number + 1 + place} for place, event in enumerate(events)]
        return b"".join(map(event_bytes, events))

    def _cut(self, ending: Ending) -> Json:
        made = {"id": f"resp_{ending.name}", "object": "response", "model": ending.model} | self._response
        usage = {
            "input_tokens": ending.prompt,
            "output_tokens": ending.tokens,
            "total_tokens": ending.prompt + ending.tokens,
        }
        return made | {
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
            "output": [self._item(item) for item in self._items],
            "usage": usage,
            "shadowprice": ending.told,
        }

    def _item(self, item: Json) -> Json:
        if item.get("status") == "completed":
            return item
        made = item | {"status": "incomplete"}
        written = "".join(self._texts.get(text(item.get("id")), []))
        if item.get("type") == "message" and written:
            made["content"] = [{"type": "output_text", "annotations": [], "text": written}]
        return made


def _written(output: Any) -> str:
    """All text of a whole reply's output."""
    found: list[str] = []
    for item in output if isinstance(output, list) else []:
        parts = item.get("content") if isinstance(item, dict) else None
        found += [text(part.get("text")) for part in parts or () if isinstance(part, dict)]
        found.append(text(item.get("arguments")) if isinstance(item, dict) else "")
    return " ".join(found)
