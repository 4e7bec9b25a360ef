"""Predictors on disk: one file, with what it was fitted on, and never a pickle.

A predictor file is a zip: ``card.json`` (what it was fitted on), ``reference-*.npy`` (what the questions looked like),
and the predictor in skops's format (``schema.json`` and arrays). Reading it goes from the outside in, and each step
relies only on those before: names and sizes of the parts, the card and its version, the header of each array, the
types, then the objects, then whether they predict.
"""

import io
import json
import os
import zipfile
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.utils.validation import check_is_fitted

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError, MissingExtraError, MissingModelError
from shadowprice._text import shown
from shadowprice.beliefs._predictor import AbstractPredictor
from shadowprice.beliefs.running import BUCKETS, RunningPredictor
from shadowprice.beliefs.saved._archive import array_bytes, check_arrays, open_archive, read_array, with_text
from shadowprice.beliefs.saved._card import PredictorCard, Reference
from shadowprice.beliefs.saved._sound import check_sound
from shadowprice.beliefs.saved._trusted import foreign_types, renamed, trusted_by_name
from shadowprice.beliefs.static import FeaturePredictor

FORMAT: Final = "shadowprice predictor"
FORMAT_VERSION: Final = 3
"""1 was a skops file with the card inside the saved object, 2 knew nothing of how replies begin; both are refused."""

_REFERENCE: Final = ("questions", "words", "lengths", "believed")
_ADDED: Final = ("phrases", "strange")
"""Parts of a reference that older files of this version have not."""
_HASHES: Final = ("questions", "words", "phrases")
_MOST_WAYS: Final = 20
_LONGEST: Final = 500
"""Characters of what a card says that are kept."""
_FLOAT: Final = np.dtype(np.float64)
_ANEW: Final = "make it anew with `shadowprice fit`"


@dataclass(frozen=True, slots=True, eq=False)
class SavedPredictor:
    """All that a predictor file holds."""

    predictor: AbstractPredictor
    """What to believe before a query runs."""
    card: PredictorCard
    """What it was fitted on."""
    reference: Reference | None = None
    """What its questions looked like; without it there is no telling whether others are like them."""
    running: RunningPredictor | None = None
    """What to believe while a query runs, where the traces had texts to learn it from."""


def save_predictor(
    predictor: AbstractPredictor,
    card: PredictorCard,
    path: str | os.PathLike[str],
    *,
    reference: Reference | None = None,
    running: RunningPredictor | None = None,
) -> None:
    """Write a fitted predictor to one file, all of it or nothing.

    Args:
        predictor: What to save; `sklearn.exceptions.NotFittedError` if it has learnt nothing.
        card: What it was fitted on.
        path: The file.
        reference: What the questions looked like, for `check_drift`.
        running: A predictor for queries that run, to go with it.

    Raises:
        InputError: The file cannot be written.
        TypeError: The predictor contains a type that `load_predictor` would refuse.
    """
    import skops.io  # takes a while to import, and only files need it

    with write_whole(path) as partial:
        check_is_fitted(predictor)
        buffer = io.BytesIO(
            skops.io.dumps({"predictor": predictor, "running": running}, compression=zipfile.ZIP_DEFLATED)
        )
        with zipfile.ZipFile(buffer, "a", compression=zipfile.ZIP_DEFLATED) as archive:
            if foreign := foreign_types(json.loads(archive.read("schema.json"))):
                raise TypeError(
                    f"{type(predictor).__name__} contains {', '.join(foreign)}; see beliefs/saved/_trusted.py."
                )
            archive.writestr("card.json", _card_text(card, reference))
            if reference is not None:
                for name in (*_REFERENCE, *_ADDED):
                    archive.writestr(f"reference-{name}.npy", array_bytes(getattr(reference, name)))
        partial.write_bytes(buffer.getvalue())


def load_predictor(path: str | os.PathLike[str]) -> tuple[AbstractPredictor, PredictorCard]:
    """Read a predictor written by `save_predictor`, and what it was fitted on.

    Raises:
        InputError: The file is missing or damaged, is no predictor, is of another version, contains types or sizes that
            a predictor does not need, or predicts on another grid than its card says.
    """
    saved = read_predictor(path)
    return saved.predictor, saved.card


def read_predictor(path: str | os.PathLike[str]) -> SavedPredictor:
    """Read everything that `save_predictor` wrote; errors as of `load_predictor`."""
    source = Path(path)
    archive = open_archive(source)
    card, unknown = _read_card(archive, source)
    try:
        check_arrays(archive)
        schema = json.loads(archive.read("schema.json"))
        if renamed(schema):
            archive = with_text(archive, "schema.json", json.dumps(schema))
        foreign = foreign_types(schema)
    except Exception as error:  # a damaged archive raises all kinds
        raise InputError(f"{source} is damaged; {_ANEW}.") from error
    if foreign:
        raise InputError(f"{source} contains {foreign[0][:80]}, which no predictor needs; it was not loaded.")
    content = _build(archive, source)
    try:
        check_sound(content)
        predictor = content["predictor"]
        asked = predictor.probe() if isinstance(predictor, FeaturePredictor) else predictor
        grid = _grid(asked)
        running = _running(content.get("running"), asked)
        reference = None if unknown is None else _read_reference(archive, unknown)
    except (MissingExtraError, MissingModelError):
        raise
    except Exception as error:  # whatever a crafted file makes a predictor do
        raise InputError(f"{source} holds a predictor that does not predict; {_ANEW}.") from error
    if grid != card.grid:
        raise InputError(
            f"{source} predicts at {len(grid)} token counts, but its card names {len(card.grid)} others; {_ANEW}."
        )
    return SavedPredictor(predictor, card, reference, running)


def _build(archive: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    import skops.io

    data, trusted = archive.fp.getvalue(), trusted_by_name()  # type: ignore[union-attr]
    try:
        # Once more by skops, which knows how each node is built.
        untrusted = set(skops.io.get_untrusted_types(data=data)) - set(trusted)
        if not untrusted:
            content: Any = skops.io.loads(data, trusted=trusted)
    except Exception as error:  # a damaged archive raises all kinds
        raise InputError(f"{source} is damaged; {_ANEW}.") from error
    if untrusted:
        raise InputError(f"{source} contains {min(untrusted)[:80]}, which no predictor needs; it was not loaded.")
    if not isinstance(content, dict) or not isinstance(content.get("predictor"), AbstractPredictor):
        raise InputError(f"{source} holds no predictor; {_ANEW}.")
    return content


def _read_card(archive: zipfile.ZipFile, source: Path) -> tuple[PredictorCard, float | None]:
    """The card, and the reference's share of unknown words."""
    from pydantic import TypeAdapter

    if "card.json" not in archive.namelist():
        raise InputError(f"{source} has no card.json: it is no predictor file, or one of format version 1; {_ANEW}.")
    try:
        text = json.loads(archive.read("card.json"))
        known, version = text["format"] == FORMAT, text["format_version"]
    except Exception as error:  # a damaged archive raises all kinds
        raise InputError(f"{source} is not a predictor file, or is damaged; {_ANEW}.") from error
    if not known:
        raise InputError(f"{source} is not a predictor file; {_ANEW}.")
    if version != FORMAT_VERSION:
        newer = isinstance(version, int) and version > FORMAT_VERSION
        advice = "upgrade shadowprice, or fit it again" if newer else "fit it again"
        raise InputError(
            f"{source} has format version {str(version)[:20]}, this shadowprice reads {FORMAT_VERSION}: {advice}."
        )
    try:
        unknown = text.get("unknown")
        card = TypeAdapter(PredictorCard).validate_python(text["card"])
        card = replace(
            card,
            traces=_plain(card.traces),
            model=_plain(card.model),
            created=_plain(card.created),
            version=_plain(card.version),
            kind=_plain(card.kind),
            token_unit=_plain(card.token_unit),
            asked={_plain(way): count for way, count in islice(card.asked.items(), _MOST_WAYS)},
        )
        return card, None if unknown is None else float(unknown)
    except Exception as error:
        raise InputError(f"{source} does not say what its predictor was fitted on; {_ANEW}.") from error


def _plain(text: str) -> str:
    """One line without control characters: what a card says is printed on terminals."""
    return shown(text[:_LONGEST])


def _card_text(card: PredictorCard, reference: Reference | None) -> str:
    unknown = None if reference is None else reference.unknown
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, "card": asdict(card), "unknown": unknown}
    return json.dumps(content, indent=1) + "\n"


def _read_reference(archive: zipfile.ZipFile, unknown: float) -> Reference:
    parts = {*_REFERENCE, *(name for name in _ADDED if f"reference-{name}.npy" in archive.namelist())}
    arrays = {name: read_array(archive, f"reference-{name}.npy") for name in parts}
    for name, array in arrays.items():
        if array.ndim != 1 or array.dtype != (np.uint64 if name in _HASHES else np.float64):
            raise ValueError(f"reference-{name} is not what it should be")
    if not arrays["lengths"].size or not all(np.isfinite(arrays[name]).all() for name in parts - {"believed"}):
        raise ValueError("a reference whose quantiles are none")
    return Reference(**arrays, unknown=unknown)


def _grid(predictor: AbstractPredictor) -> tuple[float, ...]:
    """The grid of a predictor's outcomes, found by asking it something."""
    beliefs = predictor.predict(["What is 1 + 1?", ""])
    columns = (beliefs.threshold, beliefs.alpha, beliefs.beta)
    if any(np.shape(column) != (2,) or np.isnan(column).any() for column in columns):
        raise ValueError("not one belief for each question")
    if (outcomes := beliefs.outcomes) is None:
        return ()
    if np.shape(outcomes.right) != (2, len(outcomes.tokens)) or not np.isfinite(outcomes.right).all():
        raise ValueError("not one outcome for each question")
    return tuple(float(token) for token in outcomes.tokens)


def _running(running: Any, predictor: AbstractPredictor) -> RunningPredictor | None:
    """The predictor for queries that run, if there is one and it goes with the other."""
    if running is None:
        return None
    outcomes = predictor.predict(["What is 1 + 1?", ""]).outcomes
    if not isinstance(running, RunningPredictor) or outcomes is None:
        raise TypeError("not a predictor for queries that run")
    rarity, matrix = running.words_
    if rarity.shape != (BUCKETS,) or matrix.shape[:-1] != (BUCKETS,) or {rarity.dtype, matrix.dtype} != {_FLOAT}:
        raise ValueError("not as many words as compiled code takes for granted")
    later = running.predict(outcomes, np.array([0.0, outcomes.tokens[len(outcomes.tokens) // 2]]))
    if later.right.shape != outcomes.right.shape or not np.isfinite(later.right).all():
        raise ValueError("not one outcome for each query that runs")
    return running
