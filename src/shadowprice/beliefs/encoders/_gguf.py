"""Hidden states of a GGUF model, such as the one that answers the questions."""

import os
import secrets
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from shadowprice._errors import EngineError, InputError, MissingExtraError
from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder

_BATCH = 32


class GgufEncoder(AbstractEncoder):
    """The last layer's states of a model run by llama.cpp in this process, averaged over the question's tokens.

    Vectors have length 1. The model stays loaded, at most two of them, and is loaded again for each process.

    Args:
        path: The GGUF file. The embedded model's is `shadowprice.engines.resolve_model("smollm2")`.
        context: Tokens of a question that are read; in bytes too, as no token is less than one.
        threads: CPU threads.
    """

    def __init__(self, path: str | os.PathLike[str], context: int = 2048, threads: int = 1) -> None:
        self.path = path
        self.context = context
        self.threads = threads

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)``, d as wide as the model.

        Raises:
            MissingExtraError: The extra `local` is not installed.
            InputError: There is no such file, or a number is below what it must be.
            EngineError: llama.cpp could not load the model, or refused a question.
        """
        for name, value, least in (("context", self.context, 64), ("threads", self.threads, 1)):
            if value < least:
                raise InputError(f"`{name}` must be at least {least}, not {value}.")
        server = _load(str(Path(self.path).resolve()), self.context, self.threads)
        texts = [_beginning(text, self.context - 8) for text in questions]
        vectors: list[list[float]] = []
        for start in range(0, len(texts), _BATCH):
            try:
                answer = server.handle_embeddings({"input": texts[start : start + _BATCH]})
            except Exception as error:  # llama.cpp raises all kinds
                raise EngineError(f"llama.cpp could not embed questions from number {start}: {error}.") from error
            if "data" not in answer:
                raise EngineError(f"llama.cpp could not embed questions from number {start}: {str(answer)[:200]}.")
            vectors += [item["embedding"] for item in sorted(answer["data"], key=lambda item: int(item["index"]))]
        return np.array(vectors, dtype=np.float64)


def _beginning(text: str, size: int) -> str:
    """As many characters as fit in so many bytes; never nothing, which llama.cpp refuses."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore") or " "


@lru_cache(maxsize=2)
def _load(path: str, context: int, threads: int) -> Any:
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file; get the embedded model with `shadowprice model pull`.")
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingExtraError("The encoder of GGUF models", "local") from error
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.n_parallel = 1
    params.n_ctx = params.n_batch = params.n_ubatch = context
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0
    params.fit_params = False
    params.verbosity = -1
    # The server also listens on a free port of this host: nobody else may ask it.
    params.api_keys = [secrets.token_hex(16)]
    params.ui = False
    params.endpoint_slots = False
    try:
        return xllamacpp.Server(params)
    except Exception as error:
        raise EngineError(f"llama.cpp could not load {path}: {error}.") from error
