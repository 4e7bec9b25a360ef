"""How good is a market that does not know who will come? Days of traffic, made of recorded replies."""

from shadowprice.bench.traffic._compare import (
    BATCH,
    ENTRANTS,
    FIXED,
    ONLINE,
    Played,
    TrafficResult,
    check_traffic,
    compare_traffic,
)
from shadowprice.bench.traffic._days import DAYS, Day, Traffic, TrafficMaker, get_day
from shadowprice.bench.traffic._plots import write_traffic_plot
from shadowprice.bench.traffic._serve import Served, serve_day

__all__ = [
    "BATCH",
    "DAYS",
    "ENTRANTS",
    "FIXED",
    "ONLINE",
    "Day",
    "Played",
    "Served",
    "Traffic",
    "TrafficMaker",
    "TrafficResult",
    "check_traffic",
    "compare_traffic",
    "get_day",
    "serve_day",
    "write_traffic_plot",
]
