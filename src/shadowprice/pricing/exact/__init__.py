"""The certified optimum in whole tokens, for small problems."""

from shadowprice.pricing.exact._exact import solve_exact

__all__ = ["solve_exact"]
