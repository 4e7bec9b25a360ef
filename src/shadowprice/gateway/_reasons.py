"""Why a generation is not let in, as its client is told."""

from typing import Final, Literal

from shadowprice.gateway._account import Account
from shadowprice.gateway._refusals import RefusedRequestError

_HELD: Final = 1.0
"""Seconds after which to ask again where servers may still make what is left."""
_SAID: Final = {
    "empty": ("The token budget of this window is used up", "budget_exhausted"),
    "short": (
        "What is left of this window's token budget, {left} tokens, is less than such a reply may need; send a smaller "
        "max_tokens",
        "budget_exhausted",
    ),
    "held": ("What is left of this window's token budget is held by replies under way", "budget_held"),
    "small": (
        "Replies of this kind are thought to take more tokens than this gateway's budget has in a whole window; send a "
        "max_tokens, or raise --budget",
        "budget_too_small",
    ),
    "hopeless": (
        "This request is thought to have so little chance of a right answer that it is worth its tokens at no price",
        "not_worth_asking",
    ),
    "dear": (
        "This request is worth less than its tokens cost at the current price, as more is asked for than there are "
        "tokens; send a smaller max_tokens",
        "price_too_high",
    ),
}
_IDLE: Final = 1.001
"""Price of a window's whole budget at which nobody else wants it, in right answers."""
_FAIR: Final = 0.5
"""P(worth something) from which on it is its length that a reply is too dear by."""


def out_of_tokens(why: Literal["empty", "held", "small"], left: int, renewed: float) -> RefusedRequestError:
    """None are left, or too few, or all that are left are held, or a whole window has too few.

    Args:
        why: Which.
        left: Tokens.
        renewed: Seconds until the next window.
    """
    if why == "held":
        return _refused(why, _HELD)
    return _refused("short" if why == "empty" and left > 0 else why, renewed, left=left)


def not_worth_it(account: Account, whole: float, reprieve: float, renewed: float) -> RefusedRequestError:
    """Others pay more; or nobody else wants anything, and such a reply is not worth a window's whole budget.

    Args:
        account: Of which it is asked.
        whole: Price of a window's whole budget, in right answers.
        reprieve: Seconds until it would be let in if nobody else came.
        renewed: Seconds until the next window.
    """
    if whole > _IDLE * max(1.0, account.weight / account.choices):
        return _refused("dear", min(reprieve, renewed))
    long = max(account.hopes.right[-1], account.hopes.at_cap) >= _FAIR
    return _refused("small" if long else "hopeless", renewed)


def _refused(why: str, wait: float, **told: int) -> RefusedRequestError:
    said, code = _SAID[why]
    said, wait = said.format(**told), max(_HELD, wait)
    return RefusedRequestError(429, f"{said}; ask again in {wait:.0f} s.", code, wait=wait, again=False)
