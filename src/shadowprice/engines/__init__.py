"""Where tokens are generated: a model in this process, one behind a server, or recorded replies."""

from shadowprice._store import MODELS, KnownModel, ModelState, model_path, model_state, resolve_model
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._base import AbstractEngine, CountedBy, Delta, Effort, FinishReason, Request
from shadowprice.engines._choice import EngineChoice, api_key, split_url
from shadowprice.engines._confidence import Confidence, is_real
from shadowprice.engines._count import TokenCount
from shadowprice.engines._dialects import DIALECTS, Dialect, build_body, get_dialect
from shadowprice.engines._identify import Server, identify
from shadowprice.engines._llamacpp import LlamaCppEngine
from shadowprice.engines._model_server import serve_model
from shadowprice.engines._openai import OpenAIEngine
from shadowprice.engines._probe import choose_model, probe
from shadowprice.engines._probed import Finding, ProbeReport, recall, remember
from shadowprice.engines._pull import PulledModel, pull_model
from shadowprice.engines._reading import MalformedChunkError, Reading, read_chunk
from shadowprice.engines._replay import ReplayEngine, Reply

__all__ = [
    "DIALECTS",
    "MODELS",
    "AbstractEngine",
    "Confidence",
    "CountedBy",
    "Delta",
    "Dialect",
    "Effort",
    "EngineChoice",
    "Finding",
    "FinishReason",
    "KnownModel",
    "LlamaCppEngine",
    "MalformedChunkError",
    "ModelState",
    "OpenAIEngine",
    "ProbeReport",
    "PulledModel",
    "Reading",
    "ReplayEngine",
    "Reply",
    "Request",
    "Server",
    "ServerAddress",
    "TokenCount",
    "api_key",
    "build_body",
    "choose_model",
    "get_dialect",
    "identify",
    "is_real",
    "model_path",
    "model_state",
    "probe",
    "pull_model",
    "read_chunk",
    "recall",
    "remember",
    "resolve_model",
    "serve_model",
    "split_url",
]
