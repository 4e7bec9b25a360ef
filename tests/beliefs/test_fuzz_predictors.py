"""Damaged predictor files are refused in one sentence, or predict; nothing else is ever raised."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from fuzzing import altered, damaged, fuzz
from shadowprice._errors import InputError
from shadowprice.beliefs import PredictorCard, PriorPredictor, load_predictor, save_predictor
from shadowprice.traces import Traces

pytestmark = pytest.mark.fuzz

Members = dict[str, bytes]
Check = Callable[[bytes], None]


@pytest.fixture(scope="module")
def original(sums: Traces, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "p.shadow"
    predictor = PriorPredictor().fit(sums.evidence)
    table = predictor.predict(["x"]).outcomes
    grid = () if table is None else tuple(table.tokens.tolist())
    card = PredictorCard("sums.parquet", "m", 90, 180, "2026-01-01T00:00:00+00:00", "0.1.0", grid=grid)
    save_predictor(predictor, card, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def members(original: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def check(tmp_path: Path) -> Check:
    path = tmp_path / "p.shadow"

    def load(content: bytes) -> None:
        path.write_bytes(content)
        try:
            predictor, _ = load_predictor(path)
            assert np.all(predictor.predict(["x"]).threshold >= 0)
        except InputError as error:
            assert "\n" not in str(error)

    return load


def packed(members: Members) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_damaged_files(original: bytes, check: Check) -> None:
    fuzz(damaged({"file": original}), check, examples=60)


def test_damaged_members(members: Members, check: Check) -> None:
    """Behind the checksums of the archive, by which damage would be noticed."""

    def check_member(given: tuple[str, bytes]) -> None:
        name, content = given
        check(packed(members | {name: content}))

    contents = st.sampled_from(sorted(members)).flatmap(
        lambda name: st.tuples(st.just(name), damaged({name: members[name]}))
    )
    fuzz(contents, check_member, examples=60)


@pytest.mark.parametrize("name", ["schema.json", "card.json"])
def test_a_field_of_another_kind(members: Members, check: Check, name: str) -> None:
    def alter(content: Any) -> None:
        check(packed(members | {name: json.dumps(content).encode()}))

    fuzz(altered({name: json.loads(members[name])}, most=2), alter, examples=60)
