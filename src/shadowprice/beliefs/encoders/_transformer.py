"""Encoders of Hugging Face's `transformers`: loading them safely, and using them as they are."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from shadowprice._errors import InputError, MissingExtraError
from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder

HUB = "hub:"
"""What a model's name starts with if it may be fetched, as in ``hub:microsoft/deberta-v3-base``."""
_BATCH = 32


class TransformerEncoder(AbstractEncoder):
    """A text encoder as it is: the last layer's states, averaged over the question's tokens, length 1.

    Args:
        model: A directory with an encoder (config, safetensors, tokenizer), or ``hub:`` and its name on the hub.
            Nothing is fetched, unless the name starts with ``hub:``; code that comes with a model is never run.
        max_length: Tokens of a question that are read.
        device: Such as ``cpu`` or ``cuda``; by default a GPU if there is one.
    """

    def __init__(self, model: str | os.PathLike[str], max_length: int = 256, device: str | None = None) -> None:
        self.model = model
        self.max_length = max_length
        self.device = device

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)``, d as wide as the model.

        Raises:
            MissingExtraError: The extra `transformers` is not installed.
            InputError: There is no such model, or it is not stored as safetensors.
        """
        torch = import_torch()
        network, tokenizer, device = _loaded(os.fspath(self.model), self.device)
        parts = []
        with torch.inference_mode():
            for start in range(0, len(questions), _BATCH):
                batch = tokenize(tokenizer, questions[start : start + _BATCH], self.max_length).to(device)
                states = network(**batch).last_hidden_state
                mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
                mean = (states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1.0)
                parts.append(torch.nn.functional.normalize(mean, dim=1).cpu().numpy())
        return np.concatenate(parts).astype(np.float64)


def import_torch() -> Any:
    """The module `torch`.

    Raises:
        MissingExtraError: The extra `transformers` is not installed.
    """
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("A transformer", "transformers") from error
    return torch


def pick_device(name: str | None) -> Any:
    """The device of that name, or a GPU if there is one."""
    torch = import_torch()
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def load_network(model: str | os.PathLike[str], kind: str, **options: Any) -> tuple[Any, Any]:
    """A network in float32 and its tokenizer, without running code or unpickling anything that comes with them.

    Args:
        model: A directory, or ``hub:`` and a name.
        kind: The class of `transformers` to load with, such as ``AutoModel``.
        options: For the network.

    Raises:
        MissingExtraError: The extra `transformers` is not installed.
        InputError: There is no such model, it is damaged, or not stored as safetensors.
    """
    torch = import_torch()
    import transformers

    name = os.fspath(model)
    fetched = name.startswith(HUB)
    if not fetched and not (Path(name) / "config.json").is_file():
        raise InputError(
            f"{name}: no directory with a config.json; give one with an encoder, or '{HUB}owner/name' to fetch it."
        )
    shared = {"local_files_only": not fetched, "trust_remote_code": False}
    source = name.removeprefix(HUB) if fetched else name
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **shared)
        network = getattr(transformers, kind).from_pretrained(
            source, use_safetensors=True, dtype=torch.float32, **shared, **options
        )
    except Exception as error:  # transformers, safetensors and tokenizers raise all kinds
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{name} is no encoder with safetensors and a tokenizer: {said}") from error
    if tokenizer.pad_token is None:
        raise InputError(f"{name}: its tokenizer has no padding token; name one in tokenizer_config.json.")
    return network, tokenizer


def tokenize(tokenizer: Any, questions: Sequence[str], max_length: int) -> Any:
    """A padded batch of tensors."""
    return tokenizer(list(questions), padding=True, truncation=True, max_length=max_length, return_tensors="pt")


@lru_cache(maxsize=2)
def _loaded(model: str, device: str | None) -> tuple[Any, Any, Any]:
    network, tokenizer = load_network(model, "AutoModel")
    place = pick_device(device)
    return network.to(place).eval(), tokenizer, place
