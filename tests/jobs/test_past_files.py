"""`--past`: earlier replies from files, matched to the questions, and told."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import Past
from shadowprice.jobs import FitSettings, allocate, fit
from shadowprice.jobs.given import read_pasts
from shadowprice.traces import Traces, read_traces

QUICK = FitSettings(running=False)


def some(model: str, keep: slice, seed: int = 0) -> Traces:
    """Bundled replies, one of each question's four, as if another model had given them."""
    bundled = read_traces("bundled")
    rows = np.sort(
        bundled.first[::7] + np.random.default_rng(seed).integers(2, size=len(bundled.first[::7])) + 2 * seed
    )
    table = bundled.table.take(pa.array(rows[keep]))
    table = table.set_column(table.column_names.index("model"), "model", pa.array([model] * len(table)))
    return Traces(table, np.arange(len(table)), f"{model}.parquet")


def pairs(traces: Traces) -> list[tuple[str, str]]:
    return list(zip(traces.query_ids, traces.questions, strict=True))


def test_fit_learns_from_a_past_and_allocate_uses_one(tmp_path: Path) -> None:
    mine, theirs = some("mine", slice(None)), some("theirs", slice(None), seed=1)
    said: list[str] = []
    fitted = fit(mine, past=[theirs], output=tmp_path / "p.shadow", settings=QUICK, tell=said.append)
    assert any("theirs.parquet: earlier replies by theirs to 215 of 215 questions." in one for one in said)
    alone = fit(mine, settings=QUICK, tell=said.append)
    assert fitted.scores.auc.value > alone.scores.auc.value
    texts = mine.questions[:40]
    planned = allocate(texts, predictor=tmp_path / "p.shadow", past=[theirs], budget=600, tell=said.append)
    without = allocate(texts, predictor=tmp_path / "p.shadow", budget=600, tell=said.append)
    assert planned.plan.tokens.tolist() != without.plan.tokens.tolist()
    with pytest.raises(InputError, match="has not learnt what earlier replies say"):
        allocate(texts, predictor=alone.predictor, past=[theirs], budget=600, tell=said.append)


def test_replies_that_are_scored_are_nobodys_past() -> None:
    mine = some("mine", slice(None))
    said: list[str] = []
    with pytest.raises(InputError, match="holds no reply to any of these"):
        read_pasts([mine], pairs(mine), said.append, scored=mine)
    assert ["mine.parquet: 215 replies are among those that are learnt from, and left out of the past."] == said


def test_ids_match_where_texts_differ_unless_the_id_is_another_questions() -> None:
    theirs = some("theirs", slice(0, 2))
    first, second = pairs(theirs)
    past = read_pasts([theirs], [(first[0], "the same, asked otherwise"), ("x", second[1])], lambda said: None)
    assert past is not None
    assert 2 == past.known(["the same, asked otherwise", second[1]])


def test_a_past_about_other_questions_is_refused() -> None:
    past = Past(["something else"], [0], ["m"], [1.0], [5.0])
    with pytest.raises(InputError, match="ids or texts must be the same"):
        read_pasts([past], [("q", "this")], lambda said: None)
