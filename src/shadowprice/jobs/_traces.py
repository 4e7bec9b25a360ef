"""The traces of a job, and what they say of themselves."""

import math
from typing import Any

from shadowprice._places import Place
from shadowprice.jobs._step import Tell
from shadowprice.jobs.given import GivenPath, GivenQuestions, QuestionOptions, read_asked
from shadowprice.traces import Traces, read_recorded

GivenTraces = GivenPath | Traces
"""A Parquet file of traces, a budget sweep, ``"bundled"``, or traces that were read."""


def place_of(traces: GivenTraces) -> Place:
    """The file that traces are read from; None where they are given themselves."""
    return None if isinstance(traces, Traces) else traces


def texts_of(questions: GivenQuestions | None, reading: QuestionOptions, tell: Tell) -> set[str]:
    """The texts of the questions that nothing may be learnt from."""
    if questions is None:
        return set()
    return {one.question for one in read_asked(questions, reading.columns, remark=tell).questions}


def without(traces: GivenTraces, excluded: set[str]) -> Traces:
    """Traces without the questions of these texts."""
    recorded = traces if isinstance(traces, Traces) else read_recorded(traces)
    return recorded.without(excluded) if excluded else recorded


def models_of(traces: Traces) -> list[str]:
    """The models that wrote the replies."""
    return sorted(str(model) for model in _distinct(traces, "model") if model)


def _distinct(traces: Traces, column: str) -> list[Any]:
    """What stands in a column of the traces, each once; nothing where there is no such column."""
    return traces.table[column].unique().to_pylist() if column in traces.table.column_names else []


def temperature_of(traces: Traces) -> float | None:
    """The temperature of all replies; None where they have several, or none is known."""
    known = _distinct(traces, "temperature")
    return float(known[0]) if len(known) == 1 and known[0] is not None and math.isfinite(known[0]) else None


def schema_version_of(traces: Traces) -> int:
    """The newest version of the schema that a row was written with; 0 where none says."""
    return max((version or 0 for version in _distinct(traces, "schema_version")), default=0)
