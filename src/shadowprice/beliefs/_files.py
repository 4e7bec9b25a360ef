"""Predictors on disk: one file, with what it was trained on, and never a pickle."""

import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import skops.io

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice.beliefs._threshold import ThresholdPredictor

FORMAT: Final = "shadowprice predictor"
FORMAT_VERSION: Final = 1

_TRUSTED: Final = (
    "shadowprice.beliefs._threshold.ThresholdPredictor",
    "shadowprice.beliefs._threshold._TextRegressor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss._loss.CyHalfSquaredError",
)
"""Types that a predictor file may contain besides those that skops trusts; none runs code when it is loaded."""


@dataclass(frozen=True, slots=True)
class PredictorCard:
    """What a saved predictor was trained on."""

    traces: str
    """Name of the trace file."""
    model: str
    """Model that answered."""
    queries: int
    """Number of questions."""
    replies: int
    """Number of replies."""
    created: str
    """When, ISO 8601, UTC."""
    version: str
    """Version of shadowprice."""


def save_predictor(predictor: ThresholdPredictor, card: PredictorCard, path: str | os.PathLike[str]) -> None:
    """Write a fitted predictor to one file, all of it or nothing.

    Raises:
        InputError: The file cannot be written.
    """
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "card": asdict(card),
        "predictor": predictor,
    }
    with write_whole(path) as partial:
        skops.io.dump(content, partial, compression=zipfile.ZIP_DEFLATED)


def load_predictor(path: str | os.PathLike[str]) -> tuple[ThresholdPredictor, PredictorCard]:
    """Read a predictor written by `save_predictor`.

    Raises:
        InputError: The file is missing or damaged, is no predictor, or contains types that a predictor does not need.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f"{source}: no such file; make a predictor with `shadowprice fit TRACES -o {source}`.")
    try:
        foreign = set(skops.io.get_untrusted_types(file=source)) - set(_TRUSTED)
        content: Any = None if foreign else skops.io.load(source, trusted=list(_TRUSTED))
    except Exception as error:  # a damaged archive raises all kinds
        raise InputError(
            f"{source} is not a predictor file, or is damaged; make it anew with `shadowprice fit`."
        ) from error
    if foreign:
        raise InputError(f"{source} contains {min(foreign)}, which no predictor needs; it was not loaded.")
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{source} is not a predictor file; make one with `shadowprice fit`.")
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{source} has format version {content.get('format_version')}, this shadowprice reads {FORMAT_VERSION}: "
            "fit it again."
        )
    predictor, card = content.get("predictor"), content.get("card")
    if not isinstance(predictor, ThresholdPredictor) or not isinstance(card, dict):
        raise InputError(f"{source} holds no predictor or does not say what it was fitted on: fit it again.")
    try:
        return predictor, PredictorCard(**card)
    except TypeError as error:
        raise InputError(f"{source} does not say what its predictor was fitted on: fit it again.") from error
