"""The one way in: a problem and the name of a solver."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from shadowprice._errors import InputError, SolveError
from shadowprice.pricing._lambert import solve_lambert
from shadowprice.pricing._problem import Problem
from shadowprice.pricing._solution import Solution

_SOLVERS: Mapping[str, Callable[[Problem], Solution]] = MappingProxyType({"lambert": solve_lambert})


def solve(problem: Problem, solver: str = "lambert", *, throw: bool = True) -> Solution:
    """Spend the budget where it buys the most utility.

    Args:
        problem: curves and budget.
        solver: ``"lambert"``, the closed form for `ShiftedSurge` curves.
        throw: raise if the solver gives up; otherwise the solution's status says so. A budget that buys
            nothing is not a failure: all tokens are 0 and the status is `Status.BUDGET_TOO_SMALL`.

    Returns:
        The allocation, its price, and a bound on what any allocation can be worth.

    Raises:
        InputError: there is no such solver, or it cannot take these curves.
        SolveError: the solver gave up and ``throw`` is True.
    """
    if solver not in _SOLVERS:
        raise InputError(f"There is no solver {solver!r}; choose one of {', '.join(sorted(_SOLVERS))}.")
    solution = _SOLVERS[solver](problem)
    if throw and not solution.status.ok:
        raise SolveError(solution.status.value)
    return solution
