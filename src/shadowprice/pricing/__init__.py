"""At what price does demand meet the budget?"""

from shadowprice.pricing._problem import Problem as Problem
from shadowprice.pricing._solution import Solution as Solution
from shadowprice.pricing._solution import Status as Status
from shadowprice.pricing._solve import solve as solve

__all__ = ["Problem", "Solution", "Status", "solve"]
