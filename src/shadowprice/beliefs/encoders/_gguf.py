"""Hidden states of a GGUF model, such as the one that answers the questions."""

import os
import secrets
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from shadowprice._errors import EngineError, InputError, MissingExtraError
from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder
from shadowprice.beliefs.encoders._kept_vectors import kept_vectors
from shadowprice.beliefs.encoders._layers import first_layers, identity

_ASKED = "Question: {}\n{}"


class GgufEncoder(AbstractEncoder):
    """States of a model run by llama.cpp in this process: what it makes of a question.

    By default those of the last layer, averaged over the question's tokens. Models know most about a text in their
    middle layers (Skean et al. 2025, arXiv 2502.02013), and the last token's state holds what they would go on with,
    so `layers` and `asked` say more about difficulty. Vectors have length 1, and are kept in the cache folder by hashes
    of the texts. The model stays loaded, at most two of them, and is loaded again for each process.

    Args:
        path: The GGUF file. The embedded model's is `shadowprice.engines.resolve_model("smollm2")`.
        layers: Read the states after so many layers; all if None. Fewer are faster. A copy of the model without the
            others is kept in the cache folder.
        asked: What the model is asked about each question; its state at the last token of that is taken. If empty, the
            mean over the question's tokens.
        context: Tokens of a question that are read; in bytes too, as no token is less than one.
        threads: CPU threads.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        layers: int | None = None,
        asked: str = "",
        context: int = 2048,
        threads: int = 1,
    ) -> None:
        self.path = path
        self.layers = layers
        self.asked = asked
        self.context = context
        self.threads = threads

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)``, d as wide as the model.

        Raises:
            MissingExtraError: The extra `local` is not installed.
            InputError: There is no such file, or a number is not what it must be.
            EngineError: llama.cpp could not load the model, or refused a question.
        """
        for name, value, least in (("context", self.context, 64), ("threads", self.threads, 1)):
            if value < least:
                raise InputError(f"`{name}` must be at least {least}, not {value}.")
        path = Path(self.path).resolve()
        if not path.is_file():
            raise InputError(f"{path}: no such file; get the embedded model with `shadowprice model pull`.")
        name = f"{identity(path)} {self.layers} {self.context} {self.asked}"
        return kept_vectors(name, [self._prompt(text) for text in questions], partial(self._states, path))

    def _prompt(self, question: str) -> str:
        room = self.context - 8
        if not self.asked:
            return _beginning(question, room)
        around = _ASKED.format("", self.asked)
        return _ASKED.format(_beginning(question, max(1, room - len(around.encode()))), self.asked)

    def _states(self, path: Path, texts: list[str]) -> FloatArray:
        if self.layers is not None:
            path = first_layers(path, self.layers)
        server = _load(str(path), bool(self.asked), self.context, self.threads)
        try:
            answer = server.handle_embeddings({"input": texts})
        except Exception as error:  # llama.cpp raises all kinds
            raise EngineError(f"llama.cpp could not embed '{texts[0][:60]}' or one after it: {error}.") from error
        if "data" not in answer:
            raise EngineError(f"llama.cpp could not embed '{texts[0][:60]}' or one after it: {str(answer)[:200]}.")
        rows = sorted(answer["data"], key=lambda item: int(item["index"]))
        return np.array([row["embedding"] for row in rows], dtype=np.float64)


def _beginning(text: str, size: int) -> str:
    """As many characters as fit in so many bytes; never nothing, which llama.cpp refuses."""
    return text.encode("utf-8", "replace")[:size].decode("utf-8", "ignore") or " "


@lru_cache(maxsize=2)
def _load(path: str, last: bool, context: int, threads: int) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingExtraError("The encoder of GGUF models", "local") from error
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.embedding = True
    pooling = xllamacpp.llama_pooling_type
    params.pooling_type = pooling.LLAMA_POOLING_TYPE_LAST if last else pooling.LLAMA_POOLING_TYPE_MEAN
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
