"""Questions to vectors, by models that were trained on other texts."""

from typing import Final

from shadowprice._errors import InputError
from shadowprice.beliefs.encoders._array import ArrayEncoder, read_vectors
from shadowprice.beliefs.encoders._base import AbstractEncoder
from shadowprice.beliefs.encoders._endpoint import EndpointEncoder
from shadowprice.beliefs.encoders._fine_tuning import Epoch, FineTuning
from shadowprice.beliefs.encoders._gguf import GgufEncoder
from shadowprice.beliefs.encoders._reader import ReaderEncoder
from shadowprice.beliefs.encoders._reduced import ReducedEncoder
from shadowprice.beliefs.encoders._sentence import SentenceEncoder
from shadowprice.beliefs.encoders._transformer import TransformerEncoder
from shadowprice.beliefs.encoders._transformer_files import load_transformer, save_transformer
from shadowprice.beliefs.encoders._transformer_predictor import TransformerPredictor

ENCODERS: Final[dict[str, type[AbstractEncoder]]] = {"smollm2": ReaderEncoder, "sentence": SentenceEncoder}
"""Encoders that need no more than a name; predictors with them can be saved."""


def get_encoder(name: str) -> AbstractEncoder:
    """An encoder by name.

    Raises:
        InputError: There is no such encoder.
    """
    if name not in ENCODERS:
        raise InputError(f"There is no encoder '{name}'; leave it out, or choose {' or '.join(ENCODERS)}.")
    return ENCODERS[name]()


__all__ = [
    "ENCODERS",
    "AbstractEncoder",
    "ArrayEncoder",
    "EndpointEncoder",
    "Epoch",
    "FineTuning",
    "GgufEncoder",
    "ReaderEncoder",
    "ReducedEncoder",
    "SentenceEncoder",
    "TransformerEncoder",
    "TransformerPredictor",
    "get_encoder",
    "load_transformer",
    "read_vectors",
    "save_transformer",
]
