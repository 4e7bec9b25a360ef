"""A GGUF model without its last layers."""

import hashlib
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from shadowprice._atomic import write_whole
from shadowprice._cache import cache_path
from shadowprice._errors import InputError, MissingExtraError

_LAYER: Final = re.compile(r"blk\.(\d+)\.")
_NORM: Final = "output_norm.weight"


def first_layers(path: Path, layers: int) -> Path:
    """A copy of a model that ends after its first layers, in the cache folder; made once.

    What llama.cpp gives out is then the state between two layers, scaled to length: the weights of the last norm,
    which were learnt for another place, are 1.

    Raises:
        InputError: The file is no GGUF model, has not so many layers, or the copy cannot be written.
        MissingExtraError: The extra `local` is not installed.
    """
    named = hashlib.sha256(identity(path).encode()).hexdigest()[:12]
    copy = layers_folder() / f"{path.stem}-{layers}-layers-{named}.gguf"
    if not copy.is_file():
        _write(path, layers, copy)
    return copy


def identity(path: Path) -> str:
    """What tells a file from another, and from itself before a change, without reading it."""
    stat = path.stat()
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"


def layers_folder() -> Path:
    """The folder of shortened models."""
    return cache_path() / "layers"


def _write(path: Path, layers: int, copy: Path) -> None:
    try:
        import gguf
    except ImportError as error:
        raise MissingExtraError("Reading the middle layers of a model", "local") from error
    try:
        model = gguf.GGUFReader(path)
        kind = model.get_field("general.architecture").contents()
        whole = int(model.get_field(f"{kind}.block_count").contents())
    except Exception as error:  # a damaged file raises all kinds
        raise InputError(f"{path} is not a GGUF model whose layers can be told apart.") from error
    if not 1 <= layers <= whole:
        raise InputError(f"{path} has {whole} layers; `layers` must be between 1 and that, not {layers}.")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make the folder {copy.parent}: {error.strerror}; set SHADOWPRICE_CACHE.") from error
    with write_whole(copy) as partial:
        writer = gguf.GGUFWriter(partial, kind)
        for name, field in model.fields.items():
            if not name.startswith("GGUF.") and name != "general.architecture":
                value = layers if name == f"{kind}.block_count" else field.contents()
                inner = field.types[-1] if len(field.types) > 1 else None
                writer.add_key_value(name, value, field.types[0], inner)
        for tensor in model.tensors:
            if (found := _LAYER.match(tensor.name)) is None or int(found[1]) < layers:
                writer.add_tensor(tensor.name, _values(tensor), raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def _values(tensor: Any) -> Any:
    return np.ones_like(tensor.data) if tensor.name == _NORM else tensor.data
