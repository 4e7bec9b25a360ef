"""Markets of plain surges by compiled kernels; only the first market imports what compiles them."""

from shadowprice.pricing.compiled._fast import solve_fast

__all__ = ["solve_fast"]
