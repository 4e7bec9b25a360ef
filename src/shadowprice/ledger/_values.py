"""Checking what is written into a ledger."""

import json
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import index
from typing import Any, SupportsIndex

from shadowprice._errors import InputError
from shadowprice._text import kept
from shadowprice.ledger._schema import MOST_TOKENS
from shadowprice.ledger._secrets import hide_all, hide_fields

_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, allow_nan=False)


def now() -> str:
    """The time in UTC, ISO 8601 with milliseconds."""
    second, thousandths = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_to_the_second(second)}.{thousandths:03}+00:00"


@lru_cache(1)
def _to_the_second(second: int) -> str:
    """Remembered, as a busy ledger asks a thousand times a second."""
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")


def checked_tokens(tokens: SupportsIndex, what: str, least: int) -> int:
    """Tokens as a plain whole number.

    Raises:
        InputError: They are no whole number, below `least`, or absurdly many.
    """
    try:
        number = index(tokens)
    except TypeError as error:
        raise InputError(f"{what} is {tokens!r}; it must be a whole number of tokens.") from error
    if not least <= number <= MOST_TOKENS:
        raise InputError(f"{what} is {number} tokens; it must be between {least} and {MOST_TOKENS}.")
    return number


def checked_name(text: str, what: str) -> str:
    """A name that a file can keep.

    Raises:
        InputError: It is empty, or no Unicode text.
    """
    if not isinstance(text, str) or not text:
        raise InputError(f"{what} is {text!r}; it must be a text that is not empty.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what} {text!r} holds half a surrogate pair, which no file can keep; rename it.") from error
    return text


def payload_text(payload: Mapping[str, Any]) -> str:
    """A result as JSON text: halves of characters replaced, fields named like secrets hidden, odd numbers null.

    Raises:
        InputError: Something in it is not JSON.
    """
    return _dumps(payload, "The payload", hide_fields)


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as JSON text without secrets, neither in fields nor in texts.

    Raises:
        InputError: Something in them is not JSON.
    """
    return _dumps(settings, "A setting", hide_all)


def _dumps(data: Mapping[str, Any], what: str, hide: Callable[[Any], Any]) -> str:
    try:
        return kept(_JSON.encode(hide(data)))
    except (TypeError, ValueError, RecursionError):  # no plain JSON yet: odd numbers, other mappings, other keys
        pass
    try:
        return kept(_JSON.encode(hide(_plain(data))))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{what} cannot be kept as JSON: {error}; give texts, numbers, lists and objects.") from error


def _plain(data: Any) -> Any:
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, Mapping):
        return {str(name): _plain(value) for name, value in data.items()}
    return [_plain(value) for value in data] if isinstance(data, list | tuple) else data
