"""The market with arrivals: a price on every token of live traffic, window by window."""

from shadowprice.online._forecaster import AbstractForecaster, Asked
from shadowprice.online._rivals import FirstCome
from shadowprice.online._seam import AbstractOnlineMarket, Hopes, Ticket, Window

__all__ = [
    "AbstractForecaster",
    "AbstractOnlineMarket",
    "Asked",
    "FirstCome",
    "Hopes",
    "Ticket",
    "Window",
]
