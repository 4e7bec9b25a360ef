"""Questions to vectors, by models that were trained on other texts."""

from shadowprice.beliefs.encoders._array import ArrayEncoder, read_vectors
from shadowprice.beliefs.encoders._base import AbstractEncoder
from shadowprice.beliefs.encoders._endpoint import EndpointEncoder
from shadowprice.beliefs.encoders._fine_tuning import Epoch, FineTuning
from shadowprice.beliefs.encoders._gguf import GgufEncoder
from shadowprice.beliefs.encoders._reduced import ReducedEncoder
from shadowprice.beliefs.encoders._sentence import SentenceEncoder
from shadowprice.beliefs.encoders._transformer import TransformerEncoder
from shadowprice.beliefs.encoders._transformer_files import load_transformer, save_transformer
from shadowprice.beliefs.encoders._transformer_predictor import TransformerPredictor

__all__ = [
    "AbstractEncoder",
    "ArrayEncoder",
    "EndpointEncoder",
    "Epoch",
    "FineTuning",
    "GgufEncoder",
    "ReducedEncoder",
    "SentenceEncoder",
    "TransformerEncoder",
    "TransformerPredictor",
    "load_transformer",
    "read_vectors",
    "save_transformer",
]
