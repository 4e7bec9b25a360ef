"""Earlier replies to questions: read, found for questions, and given to predictors."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from shadowprice._errors import InputError
from shadowprice._places import Place
from shadowprice.beliefs import Past
from shadowprice.jobs._step import Tell
from shadowprice.jobs.given._files import GivenPath
from shadowprice.jobs.given._predictors import NamedPredictor
from shadowprice.traces import SweepTraces, Traces, read_recorded

GivenPast = GivenPath | Traces | Past
"""A Parquet file of traces, traces that were read, or a past of your own."""


def past_places(given: Sequence[GivenPast]) -> dict[str, Place]:
    """The files that pasts are read from, by what the command calls them."""
    return {f"--past ({number})": one for number, one in enumerate(given, 1) if isinstance(one, str | os.PathLike)}


def read_pasts(
    given: Sequence[GivenPast], asked: Iterable[tuple[str, str]], tell: Tell, *, scored: Traces | None = None
) -> Past | None:
    """What was replied to some questions before; how much was found is told for each file. None if none is given.

    Replies belong to a question by its text, or else by its id, unless that id has another question's text here.

    Args:
        given: Files and pasts.
        asked: Ids and texts of the questions.
        tell: Told what was found.
        scored: Replies that are learnt from or scored; those are nobody's past, and are left out.

    Raises:
        InputError: A file is not right, or says nothing about any of the questions.
    """
    if not given:
        return None
    pairs = list(asked)
    texts, by_id = {text for _, text in pairs}, dict(pairs)
    parts = []
    for one in given:
        past, name = (one, "The past") if isinstance(one, Past) else _read(one, by_id, texts, scored, tell)
        known = past.known([text for _, text in pairs])
        if not known:
            raise InputError(
                f"{name} holds no reply to any of these {len(pairs):,} questions; ids or texts must be the same."
            )
        by = ", ".join(past.sources[:3]) + (f" and {len(past.sources) - 3} more" if len(past.sources) > 3 else "")
        tell(f"{name}: earlier replies by {by or 'nobody who is named'} to {known:,} of {len(pairs):,} questions.")
        parts.append(past)
    return Past.joined(parts)


def with_past(
    named: NamedPredictor, given: Sequence[GivenPast], asked: Iterable[tuple[str, str]], tell: Tell
) -> NamedPredictor:
    """A predictor with what was replied before to the questions that it will be asked about.

    Raises:
        InputError: It has not learnt what a past says, or a file is not right.
    """
    if not given:
        return named
    from shadowprice.beliefs import AfterPast  # scikit-learn comes with it

    after = AfterPast(named.saved.predictor, read_pasts(given, asked, tell))
    if not after.learnt:
        raise InputError(
            f"{named.name} has not learnt what earlier replies say; leave out --past, or fit it again with --past, or "
            "from traces with several replies to a question."
        )
    digest = hashlib.sha256(repr(after.past.mark).encode()).hexdigest()[:16] if after.past else ""
    return replace(named, saved=replace(named.saved, predictor=after), mark=f"{named.mark}, past {digest}")


def _read(
    given: GivenPath | Traces, by_id: dict[str, str], texts: set[str], scored: Traces | None, tell: Tell
) -> tuple[Past, str]:
    """Earlier replies of some traces, under the texts of the questions that are asked."""
    traces = given if isinstance(given, Traces) else read_recorded(Path(given) if given != "bundled" else given)
    if isinstance(traces, SweepTraces):
        raise InputError(f"{traces.name} is a budget sweep, which has no replies; give traces as --past.")
    evidence, rows = traces.evidence, np.arange(len(traces.query))
    if scored is not None:
        same = set(_marks(scored))
        rows = np.array([row for row, mark in enumerate(_marks(traces)) if mark not in same], dtype=np.int64)
        if left_out := len(traces.query) - len(rows):
            tell(f"{traces.name}: {left_out:,} replies are among those that are learnt from, and left out of the past.")
    names = [
        text if text in texts else by_id.get(query_id, text)
        for query_id, text in zip(traces.query_ids, traces.questions, strict=True)
    ]
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    number = np.array([place[name] for name in names], dtype=np.int64)
    models = traces.table["model"].to_pylist() if "model" in traces.table.column_names else [None] * len(traces.query)
    ends = np.where(evidence.correct, evidence.answer_tokens, evidence.completion_tokens)
    past = Past(
        tuple(place),
        number[evidence.query[rows]],
        [str(models[row] or traces.name) for row in rows.tolist()],
        evidence.correct[rows].astype(np.float64),
        np.maximum(ends[rows], 1).astype(np.float64),
    )
    return past, traces.name


def _marks(traces: Traces) -> Iterable[tuple[object, ...]]:
    """What tells one reply from another."""
    table, evidence = traces.table, traces.evidence
    columns = [
        table[name].to_pylist() if name in table.column_names else [None] * len(evidence)
        for name in ("question", "model", "completion", "sample_index")
    ]
    counts = (evidence.answer_tokens.tolist(), evidence.completion_tokens.tolist(), evidence.correct.tolist())
    return zip(*columns, *counts, strict=True)
