"""What the embedded model makes of a question."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from shadowprice._store import known_model, resolve_model
from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder
from shadowprice.beliefs.encoders._gguf import GgufEncoder

_LAYERS: Final = 18
"""Of 30. States after 10 and after 26 layers say half as much."""
_ASKED: Final = "How hard is this?"


class ReaderEncoder(AbstractEncoder):
    """The middle layers of a model that this package knows, asked how hard a question is: 576 numbers, length 1.

    It need not be the model that answers. Reading costs a fifth of a second a question on two cores.

    Args:
        model: Its name, as ``shadowprice model list`` has it; never a path, so that predictors with this encoder can be
            saved and shared.
    """

    def __init__(self, model: str = "smollm2") -> None:
        self.model = model

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, 576)``.

        Raises:
            InputError: No model has this name, or it was not pulled.
            MissingExtraError: The extra `local` is not installed.
            EngineError: llama.cpp refused the model or a question.
        """
        path = _path(self.model)
        return GgufEncoder(path, _LAYERS, _ASKED, threads=os.cpu_count() or 1).encode(questions)


@lru_cache(maxsize=4)
def _path(model: str) -> Path:
    """Where it lies, checked against its checksum once."""
    return resolve_model(known_model(model).name)
