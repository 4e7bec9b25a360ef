"""Where tokens are generated: a model in this process, one behind a server, or recorded replies."""

from shadowprice.engines._base import AbstractEngine, CountedBy, Delta, Effort, FinishReason, Request
from shadowprice.engines._dialects import DIALECTS, Dialect, build_body, get_dialect
from shadowprice.engines._llamacpp import LlamaCppEngine
from shadowprice.engines._openai import OpenAIEngine
from shadowprice.engines._pull import PulledModel, pull_model
from shadowprice.engines._reading import Reading, read_chunk
from shadowprice.engines._replay import ReplayEngine, Reply
from shadowprice.engines._store import MODELS, KnownModel, ModelState, model_path, model_state, resolve_model

__all__ = [
    "DIALECTS",
    "MODELS",
    "AbstractEngine",
    "CountedBy",
    "Delta",
    "Dialect",
    "Effort",
    "FinishReason",
    "KnownModel",
    "LlamaCppEngine",
    "ModelState",
    "OpenAIEngine",
    "PulledModel",
    "Reading",
    "ReplayEngine",
    "Reply",
    "Request",
    "build_body",
    "get_dialect",
    "model_path",
    "model_state",
    "pull_model",
    "read_chunk",
    "resolve_model",
]
