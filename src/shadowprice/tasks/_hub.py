"""Data sets of Hugging Face: in a folder, or on the hub."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from shadowprice._errors import InputError, MissingExtraError
from shadowprice._json import parse_json
from shadowprice._packed import open_file
from shadowprice._parquet import DAMAGED, read_parquet

HUB: Final = "hf:"
"""What the name of a data set on the hub begins with."""

_NAME: Final = re.compile(r"hf:(?P<name>[\w.-]+(?:/[\w.-]+)?)(?::(?P<config>[\w.-]*))?(?::(?P<split>[\w.-]+))?")
_SHARD: Final = re.compile(r"(?P<split>.+?)(?:-\d+-of-\d+(?:-[0-9a-f]+)?)?\.parquet")


def saved_tables(folder: Path) -> Iterator[pyarrow.Table]:
    """The tables of a data set in a folder: saved by ``datasets.save_to_disk``, or a repository's Parquet files.

    Raises:
        InputError: It is neither, or holds several splits.
    """
    if (folder / "dataset_dict.json").is_file():
        splits = [part.name for part in sorted(folder.iterdir()) if (part / "state.json").is_file()]
        if len(splits) != 1:
            raise _several(folder, [str(folder / split) for split in splits])
        folder = folder / splits[0]
    state = folder / "state.json"
    if state.is_file():
        return _arrow_tables(folder, state)
    files = sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    if not files:
        raise InputError(
            f"{folder} is a folder without a data set in it: give a file of questions, or what "
            "datasets.save_to_disk wrote."
        )
    splits = sorted({match["split"] for file in files if (match := _SHARD.fullmatch(file.name))})
    if len(splits) != 1:
        raise _several(folder, [file.name for file in files])
    return (parquet_table(file) for file in files)


def parquet_table(file: Path) -> pyarrow.Table:
    """The table of a Parquet file, packed with gzip or not.

    Raises:
        InputError: It is damaged.
    """
    with open_file(file) as stream:
        content: bytes = stream.read()
    return read_parquet(io.BytesIO(content), file)


def hub_table(name: str) -> Any:
    """A data set from the hub, as a table.

    Args:
        name: ``hf:OWNER/NAME``, ``hf:OWNER/NAME:CONFIG`` or ``hf:OWNER/NAME:CONFIG:SPLIT``; the config may be empty.

    Raises:
        InputError: It cannot be had, or has several configs or splits.
        MissingExtraError: The package that reads from the hub is not installed.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise InputError(f"'{name}' names no data set: write hf:OWNER/NAME, or hf:OWNER/NAME:CONFIG:SPLIT.")
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("Reading data sets from the Hugging Face hub", "hub") from error
    try:
        found = datasets.load_dataset(match["name"], match["config"] or None, split=match["split"])
    except Exception as error:  # whatever network, hub or data set have against it
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{name} cannot be read: {said}") from error
    if isinstance(found, dict):
        if len(found) != 1:
            stem = f"{HUB}{match['name']}:{match['config'] or ''}"
            raise _several(Path(name), [f"{stem}:{split}" for split in found])
        (found,) = found.values()
    return found.with_format("arrow")[:]


def _arrow_tables(folder: Path, state: Path) -> Iterator[pyarrow.Table]:
    said = parse_json(state.read_bytes(), str(state))
    files = said.get("_data_files") if isinstance(said, dict) else None
    listed = files if isinstance(files, list) else []
    names = [str(file.get("filename")) for file in listed if isinstance(file, dict)]
    if not names or not all(Path(name).name == name for name in names):  # no path leads out of the folder
        raise InputError(f"{state}: it names no data files: save the data set again with datasets.save_to_disk.")
    if said.get("_indices_data_files"):
        raise InputError(f"{folder}: rows are chosen by an index: call flatten_indices() and save the data set again.")
    return (_arrow(folder / name) for name in names)


def _arrow(file: Path) -> pyarrow.Table:
    try:
        with pyarrow.memory_map(str(file)) as stream:
            table = pyarrow.ipc.open_stream(stream).read_all()
            table.column_names  # noqa: B018  # each is decoded only when it is asked for
            return table
    except DAMAGED as error:
        raise InputError(f"{file}: not a whole Arrow file: save the data set again.") from error


def _several(source: Path, which: list[str]) -> InputError:
    return InputError(f"{source} holds {len(which)} splits: give one of {', '.join(which) or 'none'}.")
