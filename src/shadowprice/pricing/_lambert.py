"""The solver for curves whose best response has a closed form (Wan et al. 2026, arXiv 2606.03092)."""

from shadowprice._errors import InputError
from shadowprice.curves import AbstractCurve, Mixed, Quadratic, ShiftedSurge, Tabulated, Triangular
from shadowprice.pricing._general import open_market
from shadowprice.pricing._problem import Problem
from shadowprice.pricing._solution import Solution
from shadowprice.pricing.clearing import Offer, clear
from shadowprice.pricing.compiled import solve_fast

_CLOSED_FORM = (ShiftedSurge, Triangular, Quadratic, Tabulated)


def solve_lambert(problem: Problem, start: float | None = None) -> Solution:
    """Solve a problem by the closed forms of its curves; see `shadowprice.pricing.solve`."""
    for curve in _parts(problem.curve):
        if not isinstance(curve, _CLOSED_FORM):
            names = ", ".join(kind.__name__ for kind in _CLOSED_FORM)
            raise InputError(
                f"The solver 'lambert' is for {names} curves and their Mixed batches, not for {type(curve).__name__}; "
                "choose 'bisection'."
            )
    return solve_plain(problem) or open_market(problem, clear, start)


def has_closed_form(problem: Problem) -> bool:
    """Whether the best response to a price has a closed form for every curve."""
    return all(isinstance(curve, _CLOSED_FORM) for curve in _parts(problem.curve))


def solve_plain(problem: Problem, *, ascending: bool = False) -> Solution | None:
    """By compiled kernels, if it is a market of plain surges; an earlier price saves nothing then."""
    if not problem.integer or problem.cost is not None or problem.floor is not None:
        return None
    curve = Offer.of(problem).curve
    found = (
        solve_fast(curve.threshold, curve.alpha, curve.beta, problem.budget, ascending=ascending)
        if isinstance(curve, ShiftedSurge)
        else None
    )
    if found is None or (problem.price_ceiling is not None and found.price > problem.price_ceiling):
        return None  # a ceiling that binds rations, and one that does not is none
    return found


def _parts(curve: AbstractCurve) -> list[AbstractCurve]:
    return [part for own in curve.parts for part in _parts(own)] if isinstance(curve, Mixed) else [curve]
