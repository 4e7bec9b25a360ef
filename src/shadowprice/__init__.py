"""Spend a shared token budget where it buys the most correct answers.

The names below are imported when they are first used, so that ``import shadowprice`` costs next to nothing.
"""

from typing import TYPE_CHECKING

from shadowprice._lazy import lazily

if TYPE_CHECKING:
    from shadowprice._errors import (
        BudgetTooSmallError,
        EngineError,
        InputError,
        LedgerError,
        ShadowpriceError,
        SolveError,
    )
    from shadowprice.beliefs import Beliefs, OutcomePredictor, ThresholdPredictor, load_predictor, save_predictor
    from shadowprice.curves import ShiftedSurge
    from shadowprice.jobs import allocate, fit, run, run_async
    from shadowprice.policies import get_policy
    from shadowprice.pricing import Problem, Solution, solve
    from shadowprice.traces import read_traces, write_traces

__version__ = "0.1.0"

__all__ = [
    "Beliefs",
    "BudgetTooSmallError",
    "EngineError",
    "InputError",
    "LedgerError",
    "OutcomePredictor",
    "Problem",
    "ShadowpriceError",
    "ShiftedSurge",
    "Solution",
    "SolveError",
    "ThresholdPredictor",
    "allocate",
    "fit",
    "get_policy",
    "load_predictor",
    "read_traces",
    "run",
    "run_async",
    "save_predictor",
    "solve",
    "write_traces",
]

_ROOMS = {
    "_errors": (
        "BudgetTooSmallError",
        "EngineError",
        "InputError",
        "LedgerError",
        "ShadowpriceError",
        "SolveError",
    ),
    "beliefs": ("Beliefs", "OutcomePredictor", "ThresholdPredictor", "load_predictor", "save_predictor"),
    "curves": ("ShiftedSurge",),
    "jobs": ("allocate", "fit", "run", "run_async"),
    "policies": ("get_policy",),
    "pricing": ("Problem", "Solution", "solve"),
    "traces": ("read_traces", "write_traces"),
}

__getattr__, __dir__ = lazily(__name__, _ROOMS)
