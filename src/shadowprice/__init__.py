"""Spend a shared token budget where it buys the most correct answers.

The names below are imported when they are first used, so that ``import shadowprice`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'shadowprice' has no attribute '{name}'")
    return getattr(import_module(f"shadowprice.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
