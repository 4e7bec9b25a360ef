"""Columns of numbers, one entry per query: read, matched in length, and refused with the first bad row."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray

_WIDTH: Final = 60
_KINDS: Final = {
    "b": "true or false",
    "c": "complex numbers",
    "M": "dates",
    "m": "durations",
    "S": "bytes",
    "T": "texts",
    "U": "texts",
    "O": "objects",
    "V": "records",
}


def real(name: str, values: ArrayLike, shape: str = "a number or an array of n numbers") -> np.ndarray[Any, Any]:
    """Values as an array of whole or real numbers, without a copy where they are one.

    NumPy would take dates, texts and truths as numbers, drop imaginary parts, and forget what is masked.

    Raises:
        InputError: They are no numbers, or some of them are masked.
    """
    try:
        numbers = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be {shape}, not {values!r}.") from error
    if numbers.dtype.kind not in "fiu":
        kind = _KINDS.get(numbers.dtype.kind, str(numbers.dtype))
        raise InputError(f"{name} must be {shape}, not {_short(values)} ({kind}).")
    if isinstance(values, np.ma.MaskedArray) and (masked := np.ma.getmaskarray(values)).any():
        row = int(np.argmax(masked.ravel()))
        raise InputError(f"{name} must have no masked entries, but row {row} is masked; fill it, or leave it out.")
    return numbers


def column(name: str, values: ArrayLike) -> FloatArray:
    """A float64 copy of a number or of ``(n,)`` numbers."""
    numbers = real(name, values).astype(np.float64)
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
    numbers = real(name, values)
    return numbers.view() if numbers.ndim == 1 and numbers.dtype in (np.float64, np.float32) else column(name, numbers)


def _short(values: ArrayLike) -> str:
    text = " ".join(repr(values).split())
    return text if len(text) <= _WIDTH else text[:_WIDTH] + "…"


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
