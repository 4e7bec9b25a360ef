"""How long a server asks to wait."""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for, in seconds or as an HTTP date; None if it does not say.

    ``retry-after-ms``, which OpenAI sends, is more exact and goes first. A date that has passed is 0.

    Args:
        headers: Of the response; looked up in lower case.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    date = _timestamp(text)
    if date is None:
        return None
    # The server's own clock, if it tells: ours may be wrong.
    now = _timestamp(headers.get("date", ""))
    return max(0.0, date - (time.time() if now is None else now))


def _timestamp(date: str) -> float | None:
    """Seconds of an HTTP date; None for what is none, and for years and zones that no clock has."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
