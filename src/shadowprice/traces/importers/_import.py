"""Several logs of one model into one table of traces, or several sweeps into one."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from shadowprice._errors import InputError, no_such
from shadowprice._packed import refuse_pointer
from shadowprice.traces._schema import ESTIMATED, TRACE_SCHEMA
from shadowprice.traces._sweeps import SweepRow, gather_sweep, read_sweep_rows
from shadowprice.traces.importers._batch import read_batch
from shadowprice.traces.importers._batch_requests import read_requests
from shadowprice.traces.importers._detect import FORMATS, detect_format
from shadowprice.traces.importers._doubts import count_doubts, doubts
from shadowprice.traces.importers._generic import read_generic
from shadowprice.traces.importers._inspect import read_inspect
from shadowprice.traces.importers._lighteval import read_lighteval
from shadowprice.traces.importers._lm_eval import read_lm_eval
from shadowprice.traces.importers._lm_eval_results import read_lm_eval_results
from shadowprice.traces.importers._mmlu_pro import read_mmlu_pro
from shadowprice.traces.importers._parquet import read_parquet
from shadowprice.traces.importers._reasoning_gym import read_reasoning_gym
from shadowprice.traces.importers._replies import AskedQuestion, ImportSettings, Log, Reader, Skipped
from shadowprice.traces.importers._rows import make_row
from shadowprice.traces.importers._zeroeval import read_zeroeval

_READERS: Final[dict[str, Reader]] = {
    "inspect": read_inspect,
    "lm-eval": read_lm_eval,
    "lm-eval-results": read_lm_eval_results,
    "batch": read_batch,
    "zeroeval": read_zeroeval,
    "lighteval": read_lighteval,
    "mmlu-pro": read_mmlu_pro,
    "reasoning-gym": read_reasoning_gym,
    "traces": read_parquet,
    "columns": read_generic,
}
_ROWS = 4096

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportedLog:
    """What became of one log."""

    path: Path
    format: str
    imported: int = 0
    """Rows taken."""
    skipped: dict[str, int] = field(default_factory=dict)
    """How many were left out, by reason."""
    estimated: int = 0
    """Rows whose tokens are estimated from their characters."""
    notes: tuple[str, ...] = ()
    """Choices that were made, and how to make others."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of all logs."""

    table: pa.Table
    """Columns of `TRACE_SCHEMA`, or of `SWEEP_SCHEMA`."""
    kind: Literal["traces", "sweep"]
    logs: tuple[ImportedLog, ...]


def import_logs(
    paths: Sequence[Path],
    settings: ImportSettings | None = None,
    *,
    format: str | None = None,
    progress: Progress = lambda size, rows: None,
) -> Imported:
    """Read logs into one table.

    Args:
        paths: Log files of one model, or budget sweeps; input files of batches among them say what was asked.
        settings: Choices that logs leave open.
        format: One of `FORMATS`, if it is not to be told from each file's content.
        progress: Called with (bytes read, rows taken) of each step.

    Raises:
        InputError: A file is not what it should be, nothing can be taken, the logs are of several models, or one
            query id stands for two questions.
        MissingExtraError: A grader's package is not installed.
    """
    settings = settings or ImportSettings()
    if settings.columns and format not in (None, "columns"):
        raise InputError(f"--columns is for tables, and the format {format} has fields of its own; leave one out.")
    formats = _formats(paths, "columns" if settings.columns else format)
    if "sweep" in formats.values():
        return _import_sweeps(formats, settings.questions, progress)
    questions = dict(settings.questions)
    requests = []
    for path, kind in formats.items():
        if kind == "batch-input":
            asked = read_requests(path, lambda size: progress(size, 0), settings)
            questions = asked | questions
            requests.append(ImportedLog(path, kind, notes=(f"{len(asked)} requests to join the replies with",)))
    gathered = _Gathered()
    logs = [
        gathered.take(Log(path, kind, replace(settings, questions=questions)), progress)
        for path, kind in formats.items()
        if kind != "batch-input"
    ]
    if not logs:
        raise InputError(f"{requests[0].path}: requests without replies; give the batch's output as well.")
    table = gathered.table()
    if not table.num_rows:
        reasons = Counter[str]()
        for log in logs:
            reasons.update(log.skipped)
        why = "; ".join(f"{count} with {reason}" for reason, count in reasons.most_common(3)) or "they hold none"
        raise InputError(f"No reply could be taken from {', '.join(str(log.path) for log in logs)}: {why}.")
    if sum(log.estimated for log in logs) == table.num_rows:
        unit = f"{settings.chars_per_token:g} characters, {ESTIMATED}"
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"token_unit": unit.encode()})
    return Imported(table, "traces", (*requests, *logs))


def _formats(paths: Sequence[Path], wanted: str | None) -> dict[Path, str]:
    if wanted is not None and wanted not in FORMATS:
        raise no_such("format", wanted, FORMATS)
    if not paths:
        raise InputError("No log was given; give at least one.")
    formats: dict[Path, str] = {}
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise InputError(f"{path} is given twice; give every log once.")
        seen.add(path.resolve())
        formats[path] = _format(path, wanted)
    return formats


def _format(path: Path, wanted: str | None) -> str:
    if wanted is None:
        return detect_format(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path.")
    refuse_pointer(path)
    return "batch-input" if wanted == "batch" and _is_input(path) else wanted


def _is_input(path: Path) -> bool:
    try:
        return detect_format(path) == "batch-input"
    except InputError:
        return False


def _import_sweeps(formats: dict[Path, str], questions: Mapping[str, AskedQuestion], progress: Progress) -> Imported:
    other = [str(path) for path, kind in formats.items() if kind != "sweep"]
    if other:
        raise InputError(f"{other[0]} is no budget sweep, but others are; import sweeps and replies into two files.")
    logs = []
    rows: list[SweepRow] = []
    for path in formats:
        before = len(rows)
        rows.extend(_asked(row, questions) for row in read_sweep_rows(path, lambda size: progress(size, 0)))
        if len(rows) == before:
            raise InputError(f"{path} holds no rows; give at least one line per question and budget.")
        progress(0, len(rows) - before)
        logs.append(ImportedLog(path, "sweep", imported=len(rows) - before))
    return Imported(gather_sweep(rows), "sweep", tuple(logs))


def _asked(row: SweepRow, questions: Mapping[str, AskedQuestion]) -> SweepRow:
    """A line with the text of its question, where only the file of questions has it."""
    asked = questions.get(row.query_id)
    if asked is None or not asked.question or "question" in row.labels:
        return row
    return row._replace(labels={**row.labels, "question": asked.question})


class _Gathered:
    """Rows of all logs so far."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._questions: dict[str, tuple[bytes, str]] = {}
        self._samples = Counter[str]()
        self._model: tuple[str, str] | None = None

    def take(self, log: Log, progress: Progress) -> ImportedLog:
        """Read a log to its end."""
        skipped = Counter[str]()
        counts = Counter[str]()
        telling = replace(log, advance=lambda size: progress(size, 0))
        for rows in _chunks(self._rows(telling, skipped, counts), _ROWS):
            self._batches.append(_batch(rows, log.path))
            progress(0, len(rows))
        for doubt in doubts(counts):
            telling.note(doubt)
        return ImportedLog(
            log.path, log.format, counts["imported"], dict(skipped), counts["estimated"], tuple(telling.notes)
        )

    def table(self) -> pa.Table:
        """All rows."""
        return pa.Table.from_batches(self._batches, schema=TRACE_SCHEMA)

    def _rows(self, log: Log, skipped: Counter[str], counts: Counter[str]) -> Iterator[dict[str, Any]]:
        for entry in _READERS[log.format](log):
            row = entry if isinstance(entry, Skipped) else make_row(entry, log.settings)
            if isinstance(row, Skipped):
                skipped[row.reason] += 1
                continue
            assert not isinstance(entry, Skipped)
            self._check(row, entry.where)
            row["sample_index"] = self._samples[row["query_id"]]
            self._samples[row["query_id"]] += 1
            counts["imported"] += 1
            counts["estimated"] += entry.tokens is None
            count_doubts(counts, entry, row, graded=entry.correct is None or log.settings.grader is not None)
            yield row

    def _check(self, row: dict[str, Any], where: str) -> None:
        """Refuse a second question under one id, and a second model."""
        digest = blake2b(row["question"].encode(), digest_size=16).digest()
        before, place = self._questions.setdefault(row["query_id"], (digest, where))
        if before != digest:
            raise InputError(
                f"{where}: the query id '{row['query_id']}' stands for another question at {place}; "
                "import them into two files, or name the data set with --dataset."
            )
        if row["model"] is not None:
            self._model = self._model or (row["model"], where)
            if self._model[0] != row["model"]:
                raise InputError(
                    f"{where}: the model is '{row['model']}', but '{self._model[0]}' at {self._model[1]}; import each "
                    "model's logs into a file of its own, or give both one name with --model."
                )


def _batch(rows: list[dict[str, Any]], path: Path) -> pa.RecordBatch:
    try:
        return pa.RecordBatch.from_pylist(rows, schema=TRACE_SCHEMA)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise InputError(f"{path}: a value does not fit into a table: {error}.") from error


def _chunks(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
