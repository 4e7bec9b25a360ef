"""Deltas of a streamed message, put together to the message that they are parts of."""

from typing import Any, Final

_SAID_ONCE: Final = frozenset({"role", "type", "id", "index", "object", "status", "finish_reason", "created", "model"})
"""Fields of which the last value counts; all other texts go on where they were."""


class _Text(list[str]):
    """A text in pieces: adding them up one by one would take time quadratic in their number."""


def merge(into: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a delta to what there is: texts go on, lists grow, items of lists that have an index are merged by it.

    As OpenAI's own clients do it, for fields that nobody knows as well.
    """
    for name, value in delta.items():
        before = into.get(name)
        if value is None:
            into.setdefault(name, None)
        elif isinstance(value, str) and name not in _SAID_ONCE:
            if isinstance(before, _Text):
                before.append(value)
            else:
                into[name] = _Text([value])
        elif isinstance(value, dict):
            if not isinstance(before, dict):
                before = into[name] = {}
            merge(before, value)
        elif isinstance(value, list):
            if not isinstance(before, list) or isinstance(before, _Text):
                before = into[name] = []
            _extend(before, value)
        else:
            into[name] = value


def _extend(into: list[Any], items: list[Any]) -> None:
    for item in items:
        if not isinstance(item, dict):
            into.append(item)
            continue
        index = item.get("index")
        place = None
        if isinstance(index, int):
            place = next((one for one in reversed(into) if isinstance(one, dict) and one.get("index") == index), None)
        if place is None:
            place = {}
            into.append(place)
        merge(place, item)


def joined(value: Any, *, without_index: bool = False) -> Any:
    """What was merged, as plain JSON; calls of tools lose the index that only streams give them."""
    if isinstance(value, _Text):
        return "".join(value)
    if isinstance(value, dict):
        return {
            name: joined(inner, without_index=name == "tool_calls")
            for name, inner in value.items()
            if not (without_index and name == "index")
        }
    if isinstance(value, list):
        return [joined(inner, without_index=without_index) for inner in value]
    return value
