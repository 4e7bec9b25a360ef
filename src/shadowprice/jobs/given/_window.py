"""Budgets that come again and again: so many tokens, or so much money, in so much time."""

import re
from typing import Final

from shadowprice._errors import InputError
from shadowprice.gateway import WindowBudget
from shadowprice.jobs.given._budget import read_budget

_EVERY: Final = re.compile(
    r"(.+?)\s*(?:/|\bper\b)\s*(\d+(?:\.\d+)?)?\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)", re.IGNORECASE
)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SHORTEST: Final = 0.5
_LONGEST: Final = 366 * 86_400.0
"""Seconds of a window."""


def read_window(budget: str, price_per_million: float | str | None = None, carry: float = 0.0) -> WindowBudget:
    """What was asked for.

    Args:
        budget: Tokens (``2M/h``, ``500k/d``, ``40k/15min``) or money (``$5/h``) in a time.
        price_per_million: What a million tokens cost, in the currency of the budget.
        carry: Share of the budget that may be carried over into the next window, 0 to 1.

    Raises:
        InputError: It is no such budget, or money without a price, or a number is out of range.
    """
    text = budget.strip()
    match = _EVERY.fullmatch(text)
    if match is None:
        raise InputError(
            f"The budget '{text[:40]}' is none of a gateway: write tokens or money in a time, such as 2M/h, 500k/d, "
            "40k/15min or '$5/h' (with --price-per-million)."
        )
    wish = read_budget(match[1], price_per_million)
    if wish.each is not None or wish.share is not None:
        raise InputError(f"The budget '{text[:40]}' is neither tokens nor money in a time; write 2M/h or '$5/h'.")
    seconds = float(match[2] or 1) * _SECONDS[match[3][0].lower()]
    if not _SHORTEST <= seconds <= _LONGEST:
        raise InputError(f"The budget '{text[:40]}' is for {seconds:g} s; write a time from half a second to a year.")
    tokens = wish.tokens(1)
    if tokens < 1:
        raise InputError(f"The budget '{text[:40]}' is less than a token; write a larger one.")
    if not 0.0 <= carry <= 1.0:
        raise InputError(f"--carry is {carry}; it must be from 0 to 1.")
    return WindowBudget(tokens, seconds, carry, text)
