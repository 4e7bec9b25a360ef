"""Budgets as people have them: tokens, tokens a question, a share of full cost, or money."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from shadowprice._errors import InputError
from shadowprice._tokens import MOST_TOKENS, TOKENS, parse_budget
from shadowprice.beliefs import Beliefs

_EACH: Final = re.compile(r"(.+?)\s*(?:/|\bper\b)\s*(?:question|q)", re.IGNORECASE)
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%", re.ASCII)
_MONEY: Final = re.compile(r"([$€£¥₹])\s*(\d+(?:\.\d+)?)", re.ASCII)
_PRICE: Final = re.compile(r"([$€£¥₹]?)\s*(\d+(?:\.\d+)?)", re.ASCII)
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """A budget as it was written."""

    text: str
    each: int | None = None
    """Tokens a question."""
    share: Decimal | None = None
    """Share of full cost, above 0."""
    money: Decimal | None = None
    total: int | None = None
    """Tokens."""
    currency: str = ""
    price: Decimal | None = None
    """Of a million tokens; None if it is not known."""

    @property
    def needs_beliefs(self) -> bool:
        """Whether it depends on how long replies are."""
        return self.share is not None

    def tokens(self, n: int, beliefs: Beliefs | None = None) -> int:
        """The budget of n questions in tokens, never more than was meant.

        Raises:
            InputError: It is a share of full cost, and nothing is known of that, or it is out of range.
        """
        if self.total is not None:
            return self.total
        if self.each is not None:
            found = Decimal(self.each) * n
        elif self.money is not None and self.price is not None:
            found = self.money / self.price * _MILLION
        else:
            assert self.share is not None
            found = self.share * Decimal(full_cost(beliefs, self.text))
        if found > MOST_TOKENS:
            raise InputError(f"The budget '{self.text}' is more than 2**53 tokens; write a smaller one.")
        return math.floor(found)

    def said(self, tokens: int, n: int, beliefs: Beliefs | None = None) -> str:
        """The budget in every unit that is known."""
        parts = [f"{tokens / max(1, n):,.0f} a question"]
        if beliefs is not None and beliefs.outcomes is not None:
            full = beliefs.outcomes.full_cost.sum()
            parts.append(f"{tokens / full:.0%} of full cost" if full else "no reply costs anything")
        if self.price is not None:
            parts.append(f"{self.currency}{cost(tokens, self.price)}")
        return f"Budget: {tokens:,} tokens ({', '.join(parts)})."

    def spent(self, tokens: int) -> dict[str, Any]:
        """What tokens have cost, for a summary; nothing without a price."""
        return {} if self.price is None else {"cost": float(cost(tokens, self.price)), "currency": self.currency}


def cost(tokens: int, price: Decimal) -> Decimal:
    """What tokens cost at a price for a million, to six digits."""
    return (Decimal(tokens) * price / _MILLION).quantize(Decimal("0.000001")).normalize() + 0


def full_cost(beliefs: Beliefs | None, text: str) -> float:
    """Tokens that all replies are believed to take if nobody stops them.

    Raises:
        InputError: There are no beliefs about that.
    """
    if beliefs is None or beliefs.outcomes is None:
        raise InputError(
            f"The budget '{text}' is a share of full cost, which only a predictor of outcomes knows: give --predictor "
            "FILE (from `shadowprice fit`), or a budget such as 300/question."
        )
    return float(beliefs.outcomes.full_cost.sum())


def read_budget(budget: int | str, price_per_million: float | str | None = None) -> Wish:
    """What was asked for.

    Args:
        budget: Tokens (``4000``, ``"4k"``), tokens a question (``"300/question"``), a share of full cost (``"30%"``),
            or money (``"$5"``).
        price_per_million: What a million tokens cost, in the currency of the budget.

    Raises:
        InputError: It is no budget, or money without a price.
    """
    text = str(budget).strip()
    currency, price = _read_price(price_per_million)
    if (match := _MONEY.fullmatch(text)) is not None:
        if price is None:
            raise InputError(f"The budget '{text}' is money: say what a million tokens cost with --price-per-million.")
        if currency not in ("", match[1]):
            raise InputError(f"The budget is in {match[1]} and --price-per-million in {currency}; use one currency.")
        return Wish(text, money=Decimal(match[2]), currency=match[1], price=price)
    if (match := _SHARE.fullmatch(text)) is not None:
        share = Decimal(match[1]) / 100
        if not 0 < share <= 100:
            raise InputError(f"The budget '{text}' is out of range; write a share of full cost from above 0% on.")
        return Wish(text, share=share, currency=currency, price=price)
    if (match := _EACH.fullmatch(text)) is not None:
        return Wish(text, each=parse_budget(match[1]), currency=currency, price=price)
    if TOKENS.fullmatch(text) is None:
        raise InputError(
            f"The budget '{text[:40]}' is none: write tokens (4000, 4k, 1.5M), tokens a question (300/question), a "
            "share of full cost (30%), or money ('$5', with --price-per-million)."
        )
    return Wish(text, total=parse_budget(text), currency=currency, price=price)


def _read_price(price: float | str | None) -> tuple[str, Decimal | None]:
    if price is None:
        return "", None
    text = price if isinstance(price, str) else f"{Decimal(str(price)):f}"
    match = _PRICE.fullmatch(text.strip())
    if match is None or not Decimal(match[2]):
        raise InputError(f"--price-per-million is '{text[:40]}'; write what a million tokens cost, such as 0.4.")
    return match[1], Decimal(match[2])
