"""Where tokens are generated: a model in this process, or recorded replies."""

from shadowprice.engines._base import AbstractEngine, Delta, FinishReason, Request
from shadowprice.engines._llamacpp import LlamaCppEngine
from shadowprice.engines._pull import PulledModel, pull_model
from shadowprice.engines._replay import ReplayEngine, Reply
from shadowprice.engines._store import MODELS, KnownModel, ModelState, model_path, model_state, resolve_model

__all__ = [
    "MODELS",
    "AbstractEngine",
    "Delta",
    "FinishReason",
    "KnownModel",
    "LlamaCppEngine",
    "ModelState",
    "PulledModel",
    "ReplayEngine",
    "Reply",
    "Request",
    "model_path",
    "model_state",
    "pull_model",
    "resolve_model",
]
