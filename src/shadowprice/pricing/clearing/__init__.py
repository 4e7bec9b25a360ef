"""The price at which what everybody wants meets the budget, found in three ways."""

from shadowprice.pricing.clearing._auction import FINEST_TICK, FIRST_TICKS, clear_by_auction
from shadowprice.pricing.clearing._bisection import clear_by_bisection
from shadowprice.pricing.clearing._clearing import Clearing, Ladder, clear, meet
from shadowprice.pricing.clearing._narrowing import Narrowed, narrow
from shadowprice.pricing.clearing._offer import Offer

__all__ = [
    "FINEST_TICK",
    "FIRST_TICKS",
    "Clearing",
    "Ladder",
    "Narrowed",
    "Offer",
    "clear",
    "clear_by_auction",
    "clear_by_bisection",
    "meet",
    "narrow",
]
