"""Questions to vectors, by models that were trained on other texts."""

from typing import Final

from shadowprice._errors import InputError
from shadowprice.beliefs.encoders._base import AbstractEncoder
from shadowprice.beliefs.encoders._endpoint import EndpointEncoder
from shadowprice.beliefs.encoders._features import FeatureEncoder
from shadowprice.beliefs.encoders._gguf import GgufEncoder
from shadowprice.beliefs.encoders._reader import ReaderEncoder
from shadowprice.beliefs.encoders._reduced import ReducedEncoder
from shadowprice.beliefs.encoders._sentence import SentenceEncoder
from shadowprice.beliefs.encoders._transformer import TransformerEncoder
from shadowprice.beliefs.encoders._vector_files import check_vectors_name, read_vectors, write_vectors
from shadowprice.beliefs.encoders._vectors import Matched, Vectors

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
    "EndpointEncoder",
    "FeatureEncoder",
    "GgufEncoder",
    "Matched",
    "ReaderEncoder",
    "ReducedEncoder",
    "SentenceEncoder",
    "TransformerEncoder",
    "Vectors",
    "check_vectors_name",
    "get_encoder",
    "read_vectors",
    "write_vectors",
]

for _kind in (FeatureEncoder, ReaderEncoder, ReducedEncoder, SentenceEncoder):
    _kind.__module__ = __name__  # as in shadowprice.beliefs: predictor files name no modules
