"""Fine-tuned predictors on disk: a directory of safetensors, tokenizer files and one JSON, never a pickle."""

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.utils.validation import check_is_fitted

from shadowprice._errors import InputError
from shadowprice.beliefs.encoders._transformer import load_network, pick_device
from shadowprice.beliefs.static._fine_tuning import FineTuning
from shadowprice.beliefs.static._transformer import TransformerPredictor

_FORMAT: Final = "shadowprice transformer predictor"
_VERSION: Final = 1
_FILE: Final = "shadowprice.json"
_NUMBERS: Final = ("mean", "spread", "scale", "alpha", "beta")


def save_transformer(predictor: TransformerPredictor, directory: str | os.PathLike[str]) -> None:
    """Write a fitted predictor to a new directory, all of it or nothing.

    Raises:
        InputError: The directory exists already, or cannot be written.
    """
    check_is_fitted(predictor)
    target = Path(directory)
    if target.exists():
        raise InputError(f"{target} exists already; give a new directory.")
    content = {
        "format": _FORMAT,
        "format_version": _VERSION,
        "how": asdict(predictor.how_) | {"device": None},
        **{name: float(getattr(predictor, f"{name}_")) for name in _NUMBERS},
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            predictor.network_.save_pretrained(partial)
            predictor.tokenizer_.save_pretrained(partial)
            (partial / _FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            partial.chmod(0o755)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}.") from error


def load_transformer(directory: str | os.PathLike[str], device: str | None = None) -> TransformerPredictor:
    """Read a predictor written by `save_transformer`.

    Args:
        directory: The directory.
        device: Where it shall run, such as ``cpu`` or ``cuda``; by default a GPU if there is one.

    Raises:
        MissingExtraError: The extra `transformers` is not installed.
        InputError: The directory is missing or damaged, or holds no such predictor.
    """
    source = Path(directory)
    try:
        content: Any = json.loads((source / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{source} holds no readable {_FILE}; write it with `save_transformer`.") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise InputError(f"{source / _FILE} describes no transformer predictor; write it with `save_transformer`.")
    if content.get("format_version") != _VERSION:
        raise InputError(
            f"{source / _FILE} has format version {content.get('format_version')}, this shadowprice reads {_VERSION}: "
            "fit it again."
        )
    numbers = {name: content.get(name) for name in _NUMBERS}
    bad = [name for name, value in numbers.items() if not isinstance(value, float) or not np.isfinite(value)]
    bad += [name for name in ("spread", "scale", "alpha", "beta") if name not in bad and not content[name] > 0.0]
    if bad:
        raise InputError(f"{source / _FILE}, field '{bad[0]}': must be a finite number, above 0 unless it is the mean.")
    try:
        how = FineTuning(**content["how"])
    except (TypeError, KeyError) as error:
        raise InputError(f"{source / _FILE}, field 'how': does not say how it was fine-tuned.") from error
    predictor = TransformerPredictor(source, how)
    network, tokenizer = load_network(source, "AutoModelForSequenceClassification")
    if network.config.num_labels != 1:
        raise InputError(f"{source} predicts {network.config.num_labels} numbers, not one; write it anew.")
    predictor.network_ = network.to(pick_device(device)).eval()
    predictor.tokenizer_, predictor.how_ = tokenizer, how
    for name in _NUMBERS:
        setattr(predictor, f"{name}_", content[name])
    return predictor
