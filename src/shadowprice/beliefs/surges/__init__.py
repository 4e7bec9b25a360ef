"""Shifted surges fitted to replies or to sweeps: α, β and τ."""

from shadowprice.beliefs.surges._fit import SurgeFit
from shadowprice.beliefs.surges._likelihood import fit_surge_likelihood
from shadowprice.beliefs.surges._plots import plot_surges
from shadowprice.beliefs.surges._shared import SharedSurge, fit_surge, steady_surge
from shadowprice.beliefs.surges._sweep import fit_surge_sweep

__all__ = [
    "SharedSurge",
    "SurgeFit",
    "fit_surge",
    "fit_surge_likelihood",
    "fit_surge_sweep",
    "plot_surges",
    "steady_surge",
]
