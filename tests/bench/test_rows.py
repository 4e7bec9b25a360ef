"""Rows that are not one of the plain policies: the rival with replies of its own, and ablations."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shadowprice._errors import InputError
from shadowprice.bench import ABLATIONS, Forecasts, Recipe, ablation, compare, kept_forecast, run_bench
from shadowprice.policies import Knowledge
from shadowprice.traces import BUNDLED, BUNDLED_TALE, Accounting, Traces, read_traces


def with_estimates(sums: Traces, shift: int = 0, **columns: Any) -> Traces:
    """The same replies as if TALE-EP had been asked, each after an estimate of 30 that took 4 tokens."""
    table = sums.table
    for name, values in ({"estimate": 30, "estimate_tokens": 4} | columns).items():
        table = table.append_column(name, pa.array(np.full(len(sums.query), values)))
    assert not shift or table.num_rows > shift
    return Traces(table, sums.query, "tale")


@pytest.mark.parametrize("accounting", list(Accounting))
def test_tale_ep_runs_on_its_own_replies(sums: Traces, accounting: Accounting) -> None:
    def bench(tale: Traces | None) -> Any:
        options: dict[str, Any] = {"streams": ["balanced"], "budgets": [1000], "seeds": 3, "accounting": accounting}
        return run_bench(sums, Forecasts(), policies=["uniform", "tale-ep"], tale=tale, **options)

    known = bench(with_estimates(sums))
    # There is room for all: as many are right as without a budget, and the estimates are paid for.
    assert known.cell("uniform", "balanced", 1000).accuracy > 50.0
    assert known.cell("tale-ep", "balanced", 1000).abandoned == 0.0
    dearer = bench(with_estimates(sums, estimate_tokens=14)).cell("tale-ep", "balanced", 1000)
    assert dearer.generated == pytest.approx(known.cell("tale-ep", "balanced", 1000).generated + 10.0)
    noted = {Accounting.ALLOCATED: "is charged for what it generates", Accounting.GENERATED: ""}[accounting]
    assert noted in known.notes.get("tale-ep", "")
    assert ("tale-ep" in known.notes) == bool(noted)
    assert "needs replies of its own" in bench(None).notes["tale-ep"]
    # What the rival draws does not move the others.
    assert known.cell("uniform", "balanced", 1000) == bench(None).cell("uniform", "balanced", 1000)


def test_replies_that_are_not_tale_eps_are_refused(sums: Traces) -> None:
    with pytest.raises(InputError, match=r"has no estimates; record it with `shadowprice record --protocol tale-ep`"):
        run_bench(sums, Forecasts(), policies=["tale-ep"], tale=sums)
    few = with_estimates(sums).without(set(sums.questions[:3]))
    with pytest.raises(InputError, match=r"tale has no reply to 3 of 90 questions of .*the first being sum/0; record"):
        run_bench(sums, Forecasts(), policies=["tale-ep"], tale=few)


def test_the_bundled_rival_answers_the_bundled_questions() -> None:
    bundled, tale = read_traces(BUNDLED), read_traces(BUNDLED_TALE)
    assert bundled.query_ids == tale.query_ids
    assert bundled.questions == tale.questions
    assert {"tale-ep-v1"} == set(tale.table["protocol"].to_pylist())
    assert tale.table["estimate"].null_count == tale.table["estimate_tokens"].null_count == 0
    result = run_bench(
        bundled, Forecasts(), policies=["uniform", "tale-ep", "oracle"], budgets=[64], seeds=2, tale=tale
    )
    for stream in result.streams:
        assert 0.0 < result.cell("tale-ep", stream, 64).accuracy
        assert result.cell("tale-ep", stream, 64).generated <= 64.0


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_varies_one_thing(sums: Traces, name: str) -> None:
    made: dict[Recipe, Forecasts] = {}

    def fit(recipe: Recipe) -> Forecasts:
        made[recipe] = kept_forecast(sums, recipe._replace(reads=recipe.reads and name == "predictor"))
        return made[recipe]

    entrants = ablation(name, sums, fit)
    labels = [entrant.label for entrant in entrants]
    assert len(set(labels)) == len(labels)
    assert "clear-lambert" == labels[0]
    assert "oracle" == labels[-1]
    result = compare(sums, entrants, streams=["u-shaped"], budgets=[16], accounting=Accounting.GENERATED, seeds=2)
    assert tuple(labels) == result.measured
    accuracies = [result.cell(label, "u-shaped", 16).accuracy for label in labels]
    assert len(set(accuracies)) > 2
    assert max(accuracies) == accuracies[-1]


def test_an_unknown_ablation_is_refused(sums: Traces) -> None:
    with pytest.raises(InputError, match="There is no ablation 'x'; choose from utility, noise, calibration-size"):
        ablation("x", sums, lambda recipe: Forecasts())


def test_processes_do_not_change_the_figures(sums: Traces, monkeypatch: pytest.MonkeyPatch) -> None:
    forecasts = kept_forecast(sums, Recipe((Knowledge.THRESHOLDS,)))
    options: dict[str, Any] = {"policies": ["clear-lambert", "oracle"], "budgets": [16], "seeds": 2}
    alone = run_bench(sums, forecasts, **options)
    assert alone == run_bench(sums, forecasts, jobs=2, **options)
    assert alone == run_bench(sums, forecasts, jobs=0, **options)
    monkeypatch.setattr("shadowprice.bench._bench._WORTH_PROCESSES", 0.0)  # after the first draw
    assert alone == run_bench(sums, forecasts, jobs=0, **options)


def test_the_share_closed_is_of_the_cells_that_have_room(sums: Traces) -> None:
    forecasts = kept_forecast(sums, Recipe((Knowledge.THRESHOLDS,)))
    result = run_bench(sums, forecasts, policies=["uniform", "clear-lambert", "oracle"], budgets=[16, 4000], seeds=2)
    assert (0.0, 1.0) == (result.closed("clear-lambert"), result.closed("oracle"))
    shares = []
    for stream in result.streams:
        uniform, clear, oracle = (result.cell(p, stream, 16).accuracy for p in result.measured)
        assert oracle - clear > 2.0
        shares.append((uniform - clear) / (oracle - clear))
    assert result.closed("uniform") == pytest.approx(np.mean(shares))
    alone = run_bench(sums, forecasts, policies=["uniform", "oracle"], budgets=[16], seeds=1)
    assert alone.closed("uniform") is None
