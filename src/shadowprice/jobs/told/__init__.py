"""What a job says: a run while it goes on, at its end, and in its report (`_report`, with matplotlib); a plan."""

from shadowprice.jobs.told._account import Account, Offers, round_tokens
from shadowprice.jobs.told._plan import GROUPS, summarise_plan
from shadowprice.jobs.told._readable import (
    EARLY,
    Reading,
    Watch,
    count_readable,
    reading_of,
    reading_of_row,
    told_readable,
)
from shadowprice.jobs.told._so_far import SoFar
from shadowprice.jobs.told._summary import summarise, told_of_rest, told_of_waste

__all__ = [
    "EARLY",
    "GROUPS",
    "Account",
    "Offers",
    "Reading",
    "SoFar",
    "Watch",
    "count_readable",
    "reading_of",
    "reading_of_row",
    "round_tokens",
    "summarise",
    "summarise_plan",
    "told_of_rest",
    "told_of_waste",
    "told_readable",
]
