"""What is the t-th token worth to a query?"""

from shadowprice.curves._ablations import Quadratic as Quadratic
from shadowprice.curves._ablations import Triangular as Triangular
from shadowprice.curves._base import AbstractCurve as AbstractCurve
from shadowprice.curves._lambertw import lambertw0 as lambertw0
from shadowprice.curves._mixed import Mixed as Mixed
from shadowprice.curves._surge import ShiftedSurge as ShiftedSurge
from shadowprice.curves._tabulated import Tabulated as Tabulated

__all__ = ["AbstractCurve", "Mixed", "Quadratic", "ShiftedSurge", "Tabulated", "Triangular", "lambertw0"]
