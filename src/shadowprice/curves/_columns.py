"""Columns of numbers, one entry per query: read, matched in length, and refused with the first bad row."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray


def column(name: str, values: ArrayLike) -> FloatArray:
    """A float64 copy of a number or of ``(n,)`` numbers."""
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number or an array of n numbers, not {values!r}.") from error
    if numbers.ndim > 1:
        raise InputError(f"{name} must be a number or an array of n numbers, but its shape is {numbers.shape}.")
    return numbers


def columns(fields: Mapping[str, ArrayLike], *, copy: bool = True) -> Mapping[str, FloatArray]:
    """The fields as finite columns of one length; a scalar stands for n equal entries.

    They are float64 copies, or the arrays themselves if they are not to be copied and are float64 or float32.
    """
    read = {name: column(name, values) if copy else _view(name, values) for name, values in fields.items()}
    sizes = {numbers.size for numbers in read.values() if numbers.ndim}
    if len(sizes) > 1:
        shapes = ", ".join(f"{name} {numbers.shape}" for name, numbers in read.items())
        raise InputError(f"The fields of a curve must have one entry per query, but they are {shapes}.")
    n = sizes.pop() if sizes else 1
    full = {name: np.full(n, numbers) if numbers.ndim == 0 else numbers for name, numbers in read.items()}
    for name, numbers in full.items():
        require(name, numbers, np.isfinite(numbers), "be finite")
    return full


def _view(name: str, values: ArrayLike) -> FloatArray:
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype in (np.float64, np.float32):
        return values.view()
    return column(name, values)


def require(name: str, field: FloatArray, good: BoolArray, rule: str) -> None:
    """Raise an `InputError` that names the first row that is not good."""
    if not good.all():
        row = int(np.argmin(good))
        raise InputError(f"{name} must {rule}, but row {row} is {field[row]}.")


def checked_price(price: FloatArray | float) -> FloatArray:
    """A price, or ``(n,)`` prices, of at least 0."""
    checked = np.asarray(price, dtype=np.float64)
    if not (checked >= 0.0).all():
        raise InputError(f"A price must be at least 0 utility per token, not {price!r}.")
    return checked
