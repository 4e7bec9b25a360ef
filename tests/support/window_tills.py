"""Tills with a clock that a test moves."""

from typing import Any

import numpy as np

from gateways import GRID
from shadowprice.gateway import Till, WindowBudget
from shadowprice.gateway._account import Account
from shadowprice.ledger import Ledger, Totals
from shadowprice.online import FirstCome, Hopes

NINE = 1_796_029_200.0
"""2026-11-30T09:00:00Z."""
HOPES = Hopes(np.linspace(0.5, 1.0, len(GRID)), np.linspace(0.5, 1.0, len(GRID)))


class Clock:
    def __init__(self, now: float = NINE) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def open_till(ledger: Ledger, clock: Clock, tokens: int = 1000, carry: float = 0.0, **options: Any) -> Till:
    budget = WindowBudget(tokens, 3600.0, carry)
    market = FirstCome(GRID, tokens, length=3600.0, start=budget.start(clock()), carry=carry)
    return Till(ledger, market, budget, clock=clock, **options)


async def admit(till: Till, name: str, most: int = 200, enough: int = 1) -> Account:
    account = Account(name, HOPES, most, enough=enough)
    await till.admit(account)
    return account


def books(ledger: Ledger) -> dict[str, Totals]:
    return {run.name.removeprefix("serve 2026-11-30T"): ledger.totals(run.name) for run in ledger.runs()}
