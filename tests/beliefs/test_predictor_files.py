import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from shadowprice._errors import InputError
from shadowprice.beliefs import Evidence, PredictorCard, ThresholdPredictor, load_predictor, save_predictor
from shadowprice.traces import Traces

CARD = PredictorCard("sums.parquet", "m", 90, 180, "2026-01-01T00:00:00+00:00", "0.1.0")


@pytest.fixture(scope="module")
def predictor(sums: Traces) -> ThresholdPredictor:
    return ThresholdPredictor().fit(sums.evidence)


@pytest.fixture(scope="module")
def saved(predictor: ThresholdPredictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("predictor") / "p.shadow"
    save_predictor(predictor, CARD, path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_predictor(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.splitlines() == [message]
    return message.removeprefix(str(path))


def test_a_predictor_survives_a_round_trip(saved: Path, predictor: ThresholdPredictor, sums: Traces) -> None:
    loaded, card = load_predictor(saved)
    assert CARD == card
    assert loaded.surge_ == predictor.surge_
    unseen = [*sums.questions, "What else?", ""]
    assert loaded.predict(unseen).threshold.tolist() == predictor.predict(unseen).threshold.tolist()
    assert ["p.shadow"] == [file.name for file in saved.parent.iterdir()]


def test_a_predictor_of_few_questions_survives_too(tmp_path: Path) -> None:
    few = ThresholdPredictor().fit(Evidence(["One?", "Two?"], np.arange(2), np.array([4, 9]), np.array([True, True])))
    save_predictor(few, CARD, tmp_path / "p.shadow")
    assert load_predictor(tmp_path / "p.shadow")[0].predict(["x"]).threshold == few.predict(["x"]).threshold


def test_there_is_no_pickle_inside(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        assert {Path(name).suffix for name in archive.namelist()} <= {".json", ".npy", ".npz"}
        for name in archive.namelist():
            content = archive.read(name)
            assert not content.startswith(b"\x80")
            if name.endswith(".npy"):
                assert b"'descr': '|O'" not in content[:200]
        json.loads(archive.read("schema.json"))


@pytest.mark.parametrize("keep", [0, 1, 200, -30, -1])
def test_a_damaged_file(saved: Path, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "p.shadow"
    path.write_bytes(saved.read_bytes()[:keep])
    assert refusal(path).startswith(" is not a predictor file, or is damaged; make it anew with `shadowprice fit`.")


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "p.shadow"
    path.write_text("PAR1 and more")
    assert refusal(path).startswith(" is not a predictor file, or is damaged")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "{}")
    assert refusal(path).startswith(" is not a predictor file, or is damaged")


def test_an_absent_file(tmp_path: Path) -> None:
    path = tmp_path / "p.shadow"
    assert f": no such file; make a predictor with `shadowprice fit TRACES -o {path}`." == refusal(path)


class Foreign:
    """Not what a predictor is made of."""


def test_a_foreign_type_is_named_and_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "p.shadow"
    skops.io.dump({"format": "shadowprice predictor", "predictor": Foreign()}, path)
    assert refusal(path).startswith(" contains ")
    assert refusal(path).endswith("Foreign, which no predictor needs; it was not loaded.")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([1, 2], " is not a predictor file; make one with `shadowprice fit`."),
        (LogisticRegression(), " is not a predictor file; make one with `shadowprice fit`."),
        ({"format": "other"}, " is not a predictor file; make one with `shadowprice fit`."),
        ({}, " is not a predictor file; make one with `shadowprice fit`."),
        ({"format": "shadowprice predictor"}, " has format version None, this shadowprice reads 1: fit it again."),
        (
            {"format": "shadowprice predictor", "format_version": 2},
            " has format version 2, this shadowprice reads 1: fit it again.",
        ),
        (
            {"format": "shadowprice predictor", "format_version": 1, "card": asdict(CARD), "predictor": 3},
            " holds no predictor or does not say what it was fitted on: fit it again.",
        ),
        (
            {
                "format": "shadowprice predictor",
                "format_version": 1,
                "card": {"mood": "good"},
                "predictor": ThresholdPredictor(),
            },
            " does not say what its predictor was fitted on: fit it again.",
        ),
    ],
)
def test_something_else_in_a_whole_file(tmp_path: Path, content: Any, complaint: str) -> None:
    path = tmp_path / "p.shadow"
    skops.io.dump(content, path)
    assert refusal(path) == complaint


def test_nothing_is_written_where_nothing_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / "p.shadow", tmp_path / "file" / "p.shadow", tmp_path):
        with pytest.raises(InputError, match="Cannot write"):
            save_predictor(ThresholdPredictor(), CARD, path)
    assert ["file"] == [file.name for file in tmp_path.iterdir()]
