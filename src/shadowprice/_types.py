"""What things are called: the array types that every room shares.

Shapes are in docstrings: ``(n,)`` is one entry per query. Units: tokens are counted by the model's own tokenizer;
a price is utility per token; utility is expected right answers (weights scale it).
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
"""Real numbers, float64 unless a docstring says otherwise."""

IntArray = npt.NDArray[np.int64]
"""Whole tokens, counts or row numbers."""

BoolArray = npt.NDArray[np.bool_]
"""One yes or no per query."""
