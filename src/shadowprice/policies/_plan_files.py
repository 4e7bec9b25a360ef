"""Plans on disk."""

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice.policies._explain import Explanation

_SCHEMA: Final = pa.schema(
    [
        pa.field("query_id", pa.string(), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),
        pa.field("price", pa.float64()),
        pa.field("surplus", pa.float64()),
        pa.field("expected", pa.float64()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
    ]
)


def write_plan(path: str | os.PathLike[str], query_ids: Sequence[str], plan: Explanation) -> None:
    """Write one row per query, all of them or none.

    Columns: ``query_id``, ``tokens``, ``price`` (value of a right answer per token), ``surplus`` (right answers by
    their weights), ``expected`` (probability of a right answer), ``reason`` (a sentence) and ``kind`` (a name of
    `Why`). What is not known is null, and empty in CSV.

    Args:
        path: A file that ends in ``.parquet``, ``.jsonl`` or ``.csv``; it is replaced when it exists.
        query_ids: ``(n,)`` names of the queries.
        plan: What to write, n queries.

    Raises:
        InputError: The ending is another one, or the file cannot be written.
    """
    write = _writer(Path(path))
    columns = {
        "query_id": list(query_ids),
        "tokens": plan.tokens.tolist(),
        "price": [_known(plan.price)] * len(plan),
        "surplus": [_known(value) for value in plan.surplus.tolist()],
        "expected": [_known(value) for value in plan.expected.tolist()],
        "reason": list(plan.reasons),
        "kind": [why.name.lower() for why in plan.whys],
    }
    table = pa.table(columns, schema=_SCHEMA)
    with write_whole(path) as partial:
        write(table, partial)


def check_plan_name(path: str | os.PathLike[str]) -> None:
    """Raise InputError if no plan can be written to a file of that name."""
    _writer(Path(path))


def _writer(path: Path) -> Callable[[pa.Table, Path], None]:
    writers: dict[str, Callable[[Any, Path], None]] = {
        ".parquet": pyarrow.parquet.write_table,
        ".jsonl": _write_jsonl,
        ".csv": pyarrow.csv.write_csv,
    }
    if (write := writers.get(path.suffix.lower())) is None:
        raise InputError(f"Cannot write {path}: a plan is written as {', '.join(writers)}; use a name that ends so.")
    return write


def _write_jsonl(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
