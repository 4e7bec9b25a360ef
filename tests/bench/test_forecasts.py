import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import shadowprice
from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs
from shadowprice.bench import Forecasts, Recipe, forecast, kept_forecast
from shadowprice.bench._forecasts import blurred
from shadowprice.bench._kept import _SOURCES, _modules
from shadowprice.policies import Knowledge
from shadowprice.traces import TRACE_SCHEMA, Replies, Traces

THRESHOLDS = Recipe((Knowledge.THRESHOLDS,))


@pytest.fixture(scope="module")
def forecasts(sums: Traces) -> Forecasts:
    return kept_forecast(sums)


@pytest.fixture(scope="module")
def plain(sums: Traces) -> Forecasts:
    """Thresholds alone, fitted once for all tests that compare others with them."""
    return forecast(sums, THRESHOLDS)


@pytest.fixture
def fits(plain: Forecasts, monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    """What is fitted from now on by whom keeps forecasts; all get the same ones, which were fitted before."""
    asked: list[Recipe] = []

    def fitted(traces: Traces, recipe: Recipe, **_: Any) -> Forecasts:
        asked.append(recipe)
        return plain

    monkeypatch.setattr("shadowprice.bench._forecasts.forecast", fitted)
    return asked


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("shadowprice.bench._kept.forecasts_folder", lambda: tmp_path / "kept")
    return tmp_path / "kept"


def threshold(forecasts: Forecasts) -> list[float]:
    assert forecasts.thresholds is not None
    found: list[float] = forecasts.thresholds.threshold.tolist()
    return found


def test_there_are_beliefs_about_every_question_and_reply(sums: Traces, forecasts: Forecasts) -> None:
    assert forecasts.thresholds is not None
    assert forecasts.outcomes is not None
    assert forecasts.outlook is not None
    assert (90, 90, 180) == (len(forecasts.thresholds), len(forecasts.outcomes), len(forecasts.outlook))
    assert forecasts.outcomes.outcomes is not None
    assert np.array_equal(forecasts.outcomes.outcomes.right[sums.query], forecasts.outlook.before.right)
    # The beliefs of each moment are about the reply of that row: they end when it does.
    assert forecasts.outlook.count.tolist() == [
        1 + int(np.searchsorted(forecasts.outlook.before.tokens, length)) for length in sums.completion_tokens
    ]


def test_no_question_is_forecast_by_what_has_seen_it(sums: Traces, plain: Forecasts) -> None:
    # With all answers of one question moved far out, its own beliefs stay as they are.
    rows = sums.query == 7
    moved = np.where(rows, 5000, sums.answer_tokens)
    table = sums.table.set_column(sums.table.schema.get_field_index("answer_tokens"), "answer_tokens", [moved])
    table = table.set_column(
        table.schema.get_field_index("completion_tokens"),
        "completion_tokens",
        [np.maximum(moved, sums.completion_tokens)],
    )
    changed = threshold(forecast(Traces(table, sums.query, sums.name), THRESHOLDS))
    before = threshold(plain)
    assert before[7] == changed[7]
    assert before != changed


def test_each_kind_of_policy_is_told_what_it_may_know(sums: Traces, forecasts: Forecasts) -> None:
    replies = Replies.draw(sums, np.array([5, 80]), np.random.default_rng(0))
    certain, outlook = forecasts.of(Knowledge.ANSWERS, replies)
    assert (replies.threshold.tolist(), None) == (certain.threshold.tolist(), outlook)
    assert [1.0, 1.0] == forecasts.of(Knowledge.NOTHING, replies)[0].threshold.tolist()
    assert [threshold(forecasts)[5], threshold(forecasts)[80]] == forecasts.of(Knowledge.THRESHOLDS, replies)[
        0
    ].threshold.tolist()
    assert forecasts.of(Knowledge.OUTCOMES, replies)[1] is not None
    with pytest.raises(InputError, match="There are no forecasts of outcomes; make them with `forecast`"):
        Forecasts(thresholds=forecasts.thresholds).of(Knowledge.OUTCOMES, replies)


def test_noise_moves_token_counts_and_not_chances(forecasts: Forecasts) -> None:
    assert forecasts.outcomes is not None
    noisy = blurred(forecasts.outcomes, 0.5, seed=1)
    factor = np.log(noisy.threshold / forecasts.outcomes.threshold)
    assert 0.4 < factor.std() < 0.6
    assert noisy.outcomes is not None
    assert forecasts.outcomes.outcomes is not None
    assert noisy.outcomes.right[:, -1] == pytest.approx(forecasts.outcomes.outcomes.right[:, -1], abs=0.02)
    assert (np.diff(noisy.outcomes.right, axis=1) >= 0.0).all()


def test_fewer_questions_to_learn_from_make_other_beliefs(sums: Traces, plain: Forecasts) -> None:
    assert threshold(forecast(sums, THRESHOLDS._replace(size=10))) != threshold(plain)
    assert threshold(forecast(sums, THRESHOLDS._replace(size=10_000))) == threshold(plain)


def test_beliefs_can_be_learnt_from_another_models_traces(sums: Traces, plain: Forecasts) -> None:
    slower = sums.table.set_column(
        sums.table.schema.get_field_index("answer_tokens"), "answer_tokens", [4 * sums.answer_tokens]
    ).set_column(
        sums.table.schema.get_field_index("completion_tokens"), "completion_tokens", [4 * sums.completion_tokens]
    )
    foreign = forecast(sums, THRESHOLDS, source=Traces(slower, sums.query, "slower"))
    ratio = np.array(threshold(foreign)) / np.array(threshold(plain))
    assert 3.0 < np.median(ratio) < 5.0


def test_beliefs_can_be_learnt_beside_another_models_traces(sums: Traces, plain: Forecasts) -> None:
    beside = forecast(sums, THRESHOLDS, others=[sums])
    assert threshold(beside) != threshold(plain)
    # Its tokens are this model's: another that takes four times as many changes nothing in the mean.
    slower = sums.table.set_column(
        sums.table.schema.get_field_index("answer_tokens"), "answer_tokens", [4 * sums.answer_tokens]
    )
    moved = np.array(threshold(forecast(sums, THRESHOLDS, others=[Traces(slower, sums.query, "slower")])))
    assert np.median(moved / np.array(threshold(beside))) == pytest.approx(1.0, abs=0.1)


def same(one: Beliefs | None, other: Beliefs | None) -> bool:
    if one is None or other is None:
        return one is other
    assert one.outcomes is not None
    assert other.outcomes is not None
    return np.array_equal(one.outcomes.right, other.outcomes.right) and np.array_equal(one.threshold, other.threshold)


def test_forecasts_are_fitted_once(sums: Traces, folder: Path) -> None:
    fits = []
    first = kept_forecast(sums, advance=lambda: fits.append(1))
    again = kept_forecast(sums, advance=lambda: fits.append(1))
    assert 6 == len(fits) == Recipe().steps  # two folds, three predictors each
    assert 1 == len(list(folder.iterdir()))
    assert same(first.outcomes, again.outcomes)
    assert first.outlook is not None
    assert again.outlook is not None
    assert np.array_equal(first.outlook.right, again.outlook.right)
    assert np.array_equal(first.outlook.take(np.arange(5)).first, again.outlook.take(np.arange(5)).first)


@pytest.mark.parametrize(
    ("recipe", "steps"),
    [
        (Recipe((Knowledge.THRESHOLDS,)), 2),
        (Recipe((Knowledge.OUTCOMES,), reads=False, folds=3), 3),
        (Recipe((), reads=True), 0),
    ],
)
def test_steps_are_told_beforehand(sums: Traces, recipe: Recipe, steps: int) -> None:
    taken: list[int] = []
    forecast(sums, recipe, advance=lambda: taken.append(1))
    assert steps == recipe.steps == len(taken)


def test_other_traces_and_other_recipes_are_kept_apart(sums: Traces, folder: Path, fits: list[Recipe]) -> None:
    kept_forecast(sums, THRESHOLDS)
    kept_forecast(sums, THRESHOLDS._replace(seed=1))
    kept_forecast(sums.without({sums.questions[0]}), THRESHOLDS)
    kept_forecast(sums, THRESHOLDS, source=sums)
    kept_forecast(sums, THRESHOLDS, others=[sums])
    kept_forecast(sums, THRESHOLDS, others=[sums, sums])
    told = pa.array([{"mean": [-0.1]}] * len(sums.query), TRACE_SCHEMA.field("confidence").type)
    kept_forecast(Traces(sums.table.append_column("confidence", told), sums.query), THRESHOLDS)
    assert 7 == len(list(folder.iterdir())) == len(fits)


@pytest.mark.parametrize("damage", [b"", b"not a zip file", b"PK\x03\x04 cut short"])
def test_a_damaged_file_is_made_anew(sums: Traces, folder: Path, fits: list[Recipe], damage: bytes) -> None:
    whole = kept_forecast(sums, THRESHOLDS)
    (file,) = folder.iterdir()
    file.write_bytes(damage)
    assert threshold(whole) == threshold(kept_forecast(sums, THRESHOLDS))
    assert [THRESHOLDS, THRESHOLDS] == fits
    assert threshold(whole) == threshold(kept_forecast(sums, THRESHOLDS))
    assert 2 == len(fits)
    assert file.stat().st_size > len(damage)


def test_a_pickle_is_not_opened(sums: Traces, folder: Path, fits: list[Recipe]) -> None:
    kept_forecast(sums, THRESHOLDS)
    (file,) = folder.iterdir()
    marker = folder / "opened"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(marker),)

    with file.open("wb") as target:
        np.savez(target, thresholds_threshold=np.array([Trap()], dtype=object))
    kept_forecast(sums, THRESHOLDS)
    assert not marker.exists()
    assert 2 == len(fits)


def test_where_nothing_can_be_written_nothing_is_kept(
    sums: Traces, tmp_path: Path, fits: list[Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setattr("shadowprice.bench._kept.forecasts_folder", lambda: tmp_path / "file" / "kept")
    assert 90 == len(threshold(kept_forecast(sums, THRESHOLDS)))
    assert 1 == len(fits)


def test_all_code_that_beliefs_are_computed_by_counts() -> None:
    root = Path(shadowprice.__file__).parent
    hashed = {file for name in _SOURCES for file in _modules(root / name)}
    folders = [file for name in ("beliefs", "curves", "traces") for file in (root / name).rglob("*.py")]
    assert {*folders, root / "bench" / "_forecasts.py", root / "bench" / "_recipe.py"} == hashed
