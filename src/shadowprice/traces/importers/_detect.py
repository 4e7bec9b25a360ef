"""Which format a log has, told by what is in it."""

import csv
import re
import zipfile
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from shadowprice._columns import shown
from shadowprice._errors import InputError
from shadowprice._packed import open_file, refuse_pointer
from shadowprice._parquet import readable
from shadowprice.traces.importers._batch_requests import is_request
from shadowprice.traces.importers._columns import choose_columns, nested_replies, roles_of
from shadowprice.traces.importers._containers import object_fields
from shadowprice.traces.importers._generic import Look, look_at
from shadowprice.traces.importers._json import JsonStream, read_json_lines
from shadowprice.traces.importers._lighteval import NEWER_DETAILS, OLDER_DETAILS
from shadowprice.traces.importers._mmlu_pro import MMLU_PRO_FIELDS, MMLU_PRO_REPLIES, json_members

FORMATS: Final = (
    "inspect",
    "lm-eval",
    "batch",
    "batch-input",
    "zeroeval",
    "mmlu-pro",
    "reasoning-gym",
    "traces",
    "sweep",
    "columns",
)
"""What `import_logs` reads: logs of several tools, the requests of a batch, our own files, and any table."""

_HEAD = 2**16
_REPLY_WORDS = ("reply", "response", "completion", "output", "generat", "predict", "model")
"""What a column may be called that holds replies under a name of its own."""
_INSPECT_JSON = re.compile(rb'\s*\{\s*"(version|status|eval)"\s*:')
_REASONING_GYM = re.compile(rb'\s*\{\s*"(dataset_name|name)"\s*:\s*"[^"]*"\s*,\s*"(model|category)"\s*:')
_REASONING_GYM_WHOLE = re.compile(rb'\s*\{\s*"metadata"\s*:\s*\{')
_MARK = b"\xef\xbb\xbf"


def detect_format(path: Path) -> str:
    """Tell the format of a file, one of `FORMATS`.

    Raises:
        InputError: It is missing, empty or none of them.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the log files in it.")
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path.")
    with open_file(path) as file:
        head: bytes = file.read(_HEAD)
    if not head.strip():
        raise InputError(f"{path} is empty; give a log with replies in it.")
    refuse_pointer(path)
    if head.startswith(b"PK"):
        return _in_zip(path)
    if head.startswith(b"PAR1"):
        return _in_parquet(path)
    first = head.removeprefix(_MARK).lstrip()[:1]
    found = {b"[": _in_array, b"{": _in_object}.get(first, _in_table)(path, head)
    return found or _table(path)


def _table(path: Path) -> str:
    """Any table with a column that is the reply."""
    try:
        look = look_at(path)
    except InputError:
        look = Look([], [])
    if look.names and choose_columns(look.names, {}, str(path), look.rows) is not None:
        return "columns"
    has = f"its columns are {shown(*look.names)}" if look.names else "it is no table"
    if "question" in roles_of(look.names):
        raise InputError(
            f"{path}: none of its columns ({shown(*look.names)}) says that it is the reply, the whole text that a "
            f"model wrote; say which are what with --columns question=NAME,reply=NAME,gold=NAME (or correct=NAME)"
            f"{nested_replies(look.rows)}."
        )
    raise InputError(
        f"{path}: not a log of a known format; give one of inspect_ai, lm-evaluation-harness (samples_*.jsonl), "
        "a batch, ZeroEval, a sweep or traces, say which it is with --format, or give any JSONL, CSV or Parquet file "
        f"with --columns question=NAME,reply=NAME,gold=NAME (or correct=NAME); {has}."
    )


def _in_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise InputError(f"{path}: not a whole zip file ({error}); copy the log again.") from error
    if any(name in ("header.json", "_journal/start.json") or name.startswith("samples/") for name in names):
        return "inspect"
    if json_members(names):
        return "mmlu-pro"
    raise InputError(
        f"{path}: a zip file, but not a log of inspect_ai or outputs of MMLU-Pro; unpack it and give the logs in it."
    )


def _in_parquet(path: Path) -> str:
    with readable(path):
        columns = pq.read_schema(path).names
    if "budget" in columns and "completion_tokens" not in columns:
        return "sweep"
    if set(columns) >= OLDER_DETAILS or set(columns) >= NEWER_DETAILS:
        return "lighteval"
    return "traces" if "answer_tokens" in columns else _table(path)


def _in_array(path: Path, head: bytes) -> str | None:
    del head
    with JsonStream(path) as stream:
        for _, item in stream.items("item"):
            keys = set(item) if isinstance(item, dict) else set()
            if keys >= MMLU_PRO_FIELDS and keys & MMLU_PRO_REPLIES:
                return "mmlu-pro"
            return "zeroeval" if {"session_id", "output"} <= keys else None
    raise InputError(f"{path}: an empty list; give a log with replies in it.")


def _in_object(path: Path, head: bytes) -> str | None:
    if _INSPECT_JSON.match(head.removeprefix(_MARK)):
        return "inspect"
    first, *others = head.strip().split(b"\n", 1)
    if b"}" in first or not others:
        for _, record in read_json_lines(path):
            return _of_line(path, record)
    if b'"results"' in head and _REASONING_GYM.match(head.removeprefix(_MARK)):
        return "reasoning-gym"
    if _REASONING_GYM_WHOLE.match(head.removeprefix(_MARK)) and b'"categories"' in head:
        return "reasoning-gym"
    if b'"results"' in head and b'"configs"' in head:
        return _with_samples(path)
    return None


def _of_line(path: Path, record: dict[str, Any]) -> str | None:
    keys = set(record)
    if is_request(record):
        return "batch-input"
    if "custom_id" in keys or ("key" in keys and {"response", "error"} & keys):
        return "batch"
    if {"doc_id", "resps"} <= keys:
        return "lm-eval"
    if {"results", "configs"} <= keys:
        return _with_samples(path)
    if {"metadata", "categories"} <= keys:
        return "reasoning-gym"
    named = any(word in name.casefold() for name in keys for word in _REPLY_WORDS)
    if (
        "question" in keys
        and not named
        and choose_columns(keys, {}, str(path)) is None
        and not nested_replies([record])
    ):
        raise InputError(f"{path}: questions without replies; give them with --questions, beside a log.")
    return None


def _with_samples(path: Path) -> str:
    """Results of lm-evaluation-harness as its Python interface gives them, with the samples inside."""
    for name, stream in object_fields(path):
        if name == "samples" and stream.peek() == "{":
            return "lm-eval-results"
        stream.value(f"field '{name}'")
    raise InputError(
        f"{path}: the results of lm-evaluation-harness without the replies; give its samples_*.jsonl, which it "
        "writes with --log_samples."
    )


def _in_table(path: Path, head: bytes) -> str | None:
    line = head.removeprefix(_MARK).splitlines()[0].decode("utf-8", "replace")
    try:
        columns = {name.strip() for name in next(csv.reader([line]), [])}
    except csv.Error:
        return None
    if len(columns) > 1 and (
        "budget" in columns or ("query_id" in columns and choose_columns(columns, {}, "") is None)
    ):
        return "sweep"
    return None
