"""What the commands do, as functions: run a batch inside a budget, learn from traces, plan a budget.

`given` holds what a job is given, `told` what it says of itself.
"""

from typing import TYPE_CHECKING

from shadowprice._lazy import lazily
from shadowprice.jobs._allocate import Allocated, allocate, check_plan_files
from shadowprice.jobs._answered import Answered
from shadowprice.jobs._run import run, run_async
from shadowprice.jobs._serve import Looked, check_serving, serve
from shadowprice.jobs._session import Session
from shadowprice.jobs._step import Follow, Step, Tell
from shadowprice.jobs._traces import GivenTraces
from shadowprice.jobs.given import QuestionOptions, ServeOptions, TermOptions

if TYPE_CHECKING:
    from shadowprice.jobs._check import Checked, check
    from shadowprice.jobs._embed import embed
    from shadowprice.jobs._fit import FitSettings, Fitted, check_fit, fit

__all__ = [
    "Allocated",
    "Answered",
    "Checked",
    "FitSettings",
    "Fitted",
    "Follow",
    "GivenTraces",
    "Looked",
    "QuestionOptions",
    "ServeOptions",
    "Session",
    "Step",
    "Tell",
    "TermOptions",
    "allocate",
    "check",
    "check_fit",
    "check_plan_files",
    "check_serving",
    "embed",
    "fit",
    "run",
    "run_async",
    "serve",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "_check": (
            "Checked",
            "check",
        ),
        "_embed": ("embed",),
        "_fit": (
            "FitSettings",
            "Fitted",
            "check_fit",
            "fit",
        ),
    },
)
