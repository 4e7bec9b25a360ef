"""Numbers of tokens as people write them."""

import re
from decimal import Decimal
from typing import Final

from shadowprice._errors import InputError

_UNITS: Final = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
MOST_TOKENS: Final = 2**53
"""More than this no file and no float keeps exactly."""
TOKENS: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)", re.ASCII)


def parse_budget(text: str) -> int:
    """Tokens from `4000`, `4k`, `1.5M` or `2G`.

    Raises:
        InputError: It is none of these, or above 2**53.
    """
    match = TOKENS.fullmatch(text.strip())
    if match is None:
        raise InputError(f"The budget '{text}' is not a number of tokens; write 4000, 4k, 1.5M or 2G.")
    number, unit = match.groups()
    tokens = Decimal(number) * _UNITS[unit.lower()]
    if tokens > MOST_TOKENS:
        raise InputError(f"The budget '{text[:40]}' is more than 2**53 tokens; write a smaller one.")
    return round(tokens)
