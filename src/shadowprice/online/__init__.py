"""The market with arrivals: a price on every token of live traffic, window by window."""

from shadowprice.online._finishing import Finishing
from shadowprice.online._forecaster import AbstractForecaster, Asked
from shadowprice.online._online import PATIENCE, OnlineMarket, Tuning
from shadowprice.online._predicted import Predicted
from shadowprice.online._rivals import FirstCome, FixedPrice, MirrorDescent
from shadowprice.online._seam import AbstractOnlineMarket, Hopes, Ticket, Window

__all__ = [
    "PATIENCE",
    "AbstractForecaster",
    "AbstractOnlineMarket",
    "Asked",
    "Finishing",
    "FirstCome",
    "FixedPrice",
    "Hopes",
    "MirrorDescent",
    "OnlineMarket",
    "Predicted",
    "Ticket",
    "Tuning",
    "Window",
]
