"""What is the t-th token worth to a query?"""

from shadowprice.curves._base import AbstractCurve as AbstractCurve
from shadowprice.curves._lambertw import lambertw0 as lambertw0
from shadowprice.curves._surge import ShiftedSurge as ShiftedSurge

__all__ = ["AbstractCurve", "ShiftedSurge", "lambertw0"]
