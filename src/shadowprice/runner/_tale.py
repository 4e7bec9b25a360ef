"""TALE-EP, live: every question is first asked how many tokens it needs, and then to keep to that."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from shadowprice._pulse import Pulse
from shadowprice.beliefs import Beliefs
from shadowprice.engines import AbstractEngine
from shadowprice.ledger import Run as LedgerRun
from shadowprice.policies import get_policy
from shadowprice.runner._results import Result
from shadowprice.runner._run import run
from shadowprice.runner._settings import RunSettings
from shadowprice.tasks import ESTIMATE_TOKENS, Question, ask_for_estimate, ask_within, read_estimate

_LONGEST = 4096
"""Tokens that an estimate may come to, where replies have no cap."""


class Estimated(NamedTuple):
    """What the model said of its own needs."""

    beliefs: Beliefs
    """n rows, with the estimates as thresholds."""
    questions: list[Question]
    """The questions, to be asked within them."""
    spent: int
    """Tokens that asking has cost."""


async def estimate(
    questions: Sequence[Question],
    engine: AbstractEngine,
    budget: int,
    settings: RunSettings,
    *,
    ledger: LedgerRun | None = None,
    stop: asyncio.Event | None = None,
    pulse: Pulse | None = None,
    progress: Callable[[Result], None] = lambda result: None,
) -> Estimated:
    """Ask for estimates, each a request of its own in the ledger, named after its question: ``q1 (estimate)``.

    A question for whose estimate no tokens were left, or whose estimate is none, is taken to need the cap.

    Args:
        questions: n questions.
        engine: Who estimates, and will answer.
        budget: Tokens that may be spent on it; `ESTIMATE_TOKENS` for each question at most.
        settings: How to ask.
        ledger: The run's ledger.
        stop: Set it to begin no more.
        pulse: Told when this program stands still.
        progress: Called with each estimate as it is known.

    Raises:
        UnreachableError: The server has gone away.
    """
    asked = [
        replace(one, query_id=f"{one.query_id} (estimate)", messages=ask_for_estimate(one), gold="")
        for one in questions
    ]
    n = len(asked)
    market = get_policy("uniform").open(Beliefs.certain(np.ones(n)), min(budget, ESTIMATE_TOKENS * n))
    short = replace(settings, max_tokens=ESTIMATE_TOKENS, thinking_tokens=None)
    found = await run(
        asked, engine, market, short, ledger=ledger, stop=stop, abandon=False, pulse=pulse, progress=progress
    )
    most = settings.max_tokens or _LONGEST
    tokens = [read_estimate(one.text, most) for one in found]
    within = [replace(one, messages=ask_within(one, need)) for one, need in zip(questions, tokens, strict=True)]
    return Estimated(Beliefs.certain(np.array(tokens, dtype=np.float64)), within, sum(one.spent for one in found))
