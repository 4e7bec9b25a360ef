"""Vectors that somebody else computed: their files, whose they are, and predictors that see them."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from fuzzing import damaged, fuzz
from shadowprice._errors import InputError
from shadowprice.beliefs import (
    Evidence,
    FeaturePredictor,
    OutcomePredictor,
    PredictorCard,
    ThresholdPredictor,
    cross_fit,
    read_predictor,
    save_predictor,
)
from shadowprice.beliefs.encoders import FeatureEncoder, Vectors, read_vectors, write_vectors

IDS, TEXTS = ["a/1", "a/2", "b/1"], ["How many?", "Since when?", "Où?"]
VALUES = np.arange(12, dtype=np.float32).reshape(3, 4) ** 2


def vectors(**changed: Any) -> Vectors:
    return Vectors(**{"values": VALUES, "query_ids": IDS, "questions": TEXTS, "name": "v.npz", **changed})


@pytest.mark.parametrize("kind", ["npz", "parquet"])
@pytest.mark.parametrize("left_out", [None, "query_ids", "questions"])
def test_what_is_written_is_read(tmp_path: Path, kind: str, left_out: str | None) -> None:
    given = vectors() if left_out is None else vectors(**{left_out: ()})
    path = tmp_path / f"v.{kind}"
    write_vectors(given, path)
    found = read_vectors(path)
    assert (VALUES == found.values).all()
    assert (list(given.query_ids), list(given.questions)) == (list(found.query_ids), list(found.questions))
    assert "Vectors(3 of 4 numbers, from " in repr(found)


def test_arrays_as_people_have_them(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, vector=VALUES.astype(np.float16), query_id=np.array([7, 8, 9]), layer=np.array(3))
    assert ["7", "8", "9"] == list(read_vectors(path).query_ids)
    np.savez_compressed(path, vectors=np.asfortranarray(VALUES.astype(np.int64)), question=np.array(TEXTS))
    assert (VALUES == read_vectors(path).values).all()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"query_id": np.array(IDS)}, "has no `vectors`: it needs `vectors`"),
        ({"vectors": VALUES, "vector": VALUES, "query_id": np.array(IDS)}, "has both vectors and vector"),
        ({"vectors": VALUES}, "does not say whose vectors they are"),
        (
            {"vectors": VALUES[0], "query_id": np.array(IDS)},
            r"must be a table, a row for each question, not shape \(4,\)",
        ),
        ({"vectors": VALUES[:, :0], "query_id": np.array(IDS)}, "must be a table"),
        ({"vectors": VALUES, "query_id": np.array(IDS[:2])}, "has 3 vectors, but 2 of query_id"),
        (
            {"vectors": VALUES, "query_id": np.array(["a", "b", "a"])},
            "row 2: query_id 'a' has a vector in row 0 already",
        ),
        ({"vectors": VALUES, "question": np.array(["a", "a", "b"])}, "row 1: question 'a' has a vector in row 0"),
        ({"vectors": VALUES, "query_id": np.array([IDS])}, "`query_id` must be a list of texts"),
        ({"vectors": VALUES * [[1.0], [np.nan], [1.0]], "query_id": np.array(IDS)}, "row 1: .* not finite"),
        (
            {"vectors": VALUES.astype(float) * 1e300, "query_id": np.array(IDS)},
            "row 0: .* not finite in single precision",
        ),
        ({"vectors": VALUES > 1, "query_id": np.array(IDS)}, "`vectors` holds bool; it must hold numbers"),
        ({"vectors": VALUES * 1j, "query_id": np.array(IDS)}, "it must hold numbers"),
    ],
)
def test_npz_that_is_refused(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=said):
        read_vectors(path)


class Trap:
    """Pickled, it runs code when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("/tmp/shadowprice-was-here", "w"))


def test_python_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    for name in ("vectors", "query_id"):
        arrays = {"vectors": VALUES, "query_id": np.array(IDS), name: np.array([Trap()] * 3, dtype=object)}
        np.savez(path, allow_pickle=True, **arrays)
        with pytest.raises(InputError, match=r"not a readable npz file .damaged, or with Python objects"):
            read_vectors(path)
    assert not Path("/tmp/shadowprice-was-here").exists()


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_sizes_are_checked_before_anything_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    names = npy(np.array(IDS))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vectors.npy", npy(np.zeros((3, 1 << 20), np.float32)))
        archive.writestr("query_id.npy", names)
    with pytest.raises(InputError, match=r"vectors\.npy unpacks from .* to 12,583,040 bytes"):
        read_vectors(path)
    lies = npy(VALUES).replace(b"(3, 4)", b"(9, 9)")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vectors.npy", lies)
        archive.writestr("query_id.npy", names)
    with pytest.raises(InputError, match="not a readable npz file"):
        read_vectors(path)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "w") as archive:
        for _ in range(2):
            archive.writestr("vectors.npy", npy(VALUES))
    with pytest.raises(InputError, match=r"two columns 'vectors\.npy'"):
        read_vectors(path)


def test_a_parquet_file_that_repeats_itself_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shadowprice.beliefs.encoders._vector_files._MOST", 1 << 22)
    path, rows = tmp_path / "v.parquet", 1 << 20
    names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array(["same"]))
    empty = pa.ListArray.from_arrays(pa.array(np.zeros(rows + 1, np.int32)), pa.array([], pa.float32()))
    pq.write_table(pa.table({"question": names, "vectors": empty}), path)
    assert path.stat().st_size < 1 << 14
    with pytest.raises(InputError, match=r"v\.parquet unpacks to 8,388,608 bytes; up to 4,194,304 are read"):
        read_vectors(path)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"question": ["a"]}, "has no `vectors`"),
        ({"question": ["a", "b"], "vector": [[1.0, 2.0], [3.0]]}, "row 1: vector must be 2 numbers, as in row 0"),
        ({"question": ["a", "b"], "vector": [[1.0], [float("nan")]]}, "row 1: .* not finite"),
        ({"question": ["a", "b"], "vector": [[1.0], None]}, "row 1: vector must be 1 numbers"),
        ({"question": ["a", "b"], "vectors": [[1.0], [None]]}, "row 1: a number of vectors is missing"),
        ({"question": ["a", "a"], "vector": [[1.0], [2.0]]}, "row 1: question 'a' has a vector in row 0 already"),
        ({"question": ["a", None], "vector": [[1.0], [2.0]]}, "row 1: question is missing"),
        ({"question": [1.5], "vector": [[1.0]]}, "column question is double; it must be text"),
        ({"question": ["a"], "vector": ["1"]}, "column vector is string; it must hold lists of numbers"),
        ({"question": ["a"], "vector": [["1"]]}, "it must hold lists of numbers"),
        ({"question": pa.array([], pa.string()), "vector": pa.array([], pa.list_(pa.float32()))}, "holds no rows"),
        ({"vector": [[1.0]]}, "does not say whose"),
    ],
)
def test_parquet_that_is_refused(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    path = tmp_path / "v.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputError, match=said):
        read_vectors(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    with pytest.raises(InputError, match="no such file; give an npz or Parquet file"):
        read_vectors(path)
    for content, said in ((b"PAR1 but not really", "Parquet"), (b"PK but not", "npz"), (b"[1]", "neither npz nor")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=said):
            read_vectors(path)
    with pytest.raises(InputError, match=r"v\.csv ends in neither"):
        write_vectors(vectors(), tmp_path / "v.csv")


@pytest.mark.fuzz
def test_damaged_files_are_refused_or_whole(tmp_path: Path) -> None:
    originals = {}
    for name in ("v.npz", "v.parquet"):
        write_vectors(vectors(), tmp_path / name)
        originals[name] = (tmp_path / name).read_bytes()
    path = tmp_path / "damaged"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        try:
            found = read_vectors(path)
            assert np.isfinite(found.values).all()
            assert len(found.query_ids) in (0, len(found))
        except InputError as error:
            assert "\n" not in str(error)

    fuzz(damaged(originals), check)


ARRAYS = st.sampled_from(
    [VALUES, VALUES[:0], VALUES[0], VALUES[None], VALUES.astype(str), np.float64(2), np.array(IDS), np.zeros((3, 0))]
)


@pytest.mark.fuzz
def test_arrays_of_any_kind_are_refused_or_fit(tmp_path: Path) -> None:
    path = tmp_path / "any.npz"

    def check(arrays: dict[str, Any]) -> None:
        np.savez(path, **arrays)
        try:
            found = read_vectors(path)
            assert (3, 4) == found.values.shape
        except InputError as error:
            assert "\n" not in str(error)

    fuzz(st.dictionaries(st.sampled_from(["vectors", "vector", "query_id", "question"]), ARRAYS), check)


def test_vectors_are_found_by_text_and_then_by_id() -> None:
    found = vectors().match([("x", " How many?"), ("a/2", "Since when?"), ("x", "New?"), ("y", "New?")])
    assert {" How many?": 0, "Since when?": 1} == found.rows
    assert (
        "v.npz holds vectors of 4 numbers for 2 of 3 questions (2 by text); the other 1 are believed by"
        in found.sentence
    )
    by_id = vectors(questions=()).match([("b/1", "Whatever?"), ("a/2", "Since when?")])
    assert {"Whatever?": 2, "Since when?": 1} == by_id.rows
    assert by_id.sentence.endswith("for 2 of 2 questions (2 by id).")


def test_an_id_that_stands_for_another_text_is_not_taken() -> None:
    found = vectors().match([("a/1", "Something else?"), ("a/2", "Since when?")])
    assert {"Since when?": 1} == found.rows
    assert found.sentence.endswith("1 were not taken, as their ids stand for other texts there: 'a/1' is one.")


def test_numbers_are_brought_to_one_scale_and_unknown_ones_to_the_mean() -> None:
    values = np.array([[1e6, 1e-3, 5.0], [3e6, 3e-3, 5.0]], np.float32)
    encoder = FeatureEncoder.of(Vectors(values, questions=["a", "b"]).match([("", "a"), ("", "b")]))
    assert pytest.approx(np.array([[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])) == encoder.transform(
        ["a", "b", "c"]
    )
    assert [True, True, False] == encoder.knows(["a", "b", "c"]).tolist()
    assert (0, 3) == encoder.transform([]).shape
    assert clone(encoder) is encoder


N = 300


def riddles(share: float = 1.0) -> tuple[Evidence, Vectors, np.ndarray]:
    """Questions whose texts say nothing, vectors of a share of them that say who is answered right, and who has one."""
    rng = np.random.default_rng(0)
    texts = [f"Riddle {number}: what is it?" for number in rng.permutation(10 * N)[:N]]
    easy = rng.normal(size=N)
    correct = easy + 0.3 * rng.normal(size=N) > 0.0
    there = rng.random(N) < share
    late = rng.normal(size=N)
    values = np.stack([easy, late], axis=1)[there].astype(np.float32)
    known = Vectors(values, questions=[text for text, has in zip(texts, there, strict=True) if has])
    return Evidence(texts, np.arange(N), np.exp(5.0 + 0.7 * late).astype(np.int64), correct), known, there


@pytest.mark.parametrize("kind", [OutcomePredictor(n_trees=20), ThresholdPredictor()])
def test_questions_without_a_vector_are_believed_as_if_there_were_none(kind: Any) -> None:
    evidence, known, there = riddles(0.6)
    encoder = FeatureEncoder.of(known.match((text, text) for text in evidence.questions))
    seen, blind = cross_fit(FeaturePredictor(kind, encoder), evidence), cross_fit(kind, evidence)
    assert (seen.threshold[~there] == blind.threshold[~there]).all()
    assert not np.allclose(seen.threshold[there], blind.threshold[there])
    if seen.outcomes is not None:
        assert roc_auc_score(evidence.correct[there], seen.outcomes.right[there, -1]) > 0.8


def saved(tmp_path: Path) -> tuple[FeaturePredictor, Evidence, Vectors, Path]:
    evidence, known, _ = riddles()
    matched = known.match((text, text) for text in evidence.questions)
    predictor = FeaturePredictor(OutcomePredictor(n_trees=20), FeatureEncoder.of(matched)).fit(evidence)
    outcomes = predictor.predict(evidence.questions[:1]).outcomes
    assert outcomes is not None
    card = PredictorCard("t", "m", N, N, "now", "0", grid=tuple(outcomes.tokens.tolist()), features=2)
    save_predictor(predictor, card, tmp_path / "p.shadow")
    return predictor, evidence, known, tmp_path / "p.shadow"


def test_a_file_keeps_what_was_learnt_and_no_vector(tmp_path: Path) -> None:
    predictor, evidence, known, path = saved(tmp_path)
    found = read_predictor(path)
    assert 2 == found.card.features
    loaded = found.predictor
    assert isinstance(loaded, FeaturePredictor)
    with pytest.raises(InputError, match="fitted with vectors of 2 numbers; give it those of these questions"):
        loaded.predict(evidence.questions)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".npy") and not name.startswith("reference"):
                array = np.load(io.BytesIO(archive.read(name)))
                assert not np.isin(known.values[:, 0], array.ravel()).any()
    bound = loaded.bound(known.match((text, text) for text in evidence.questions))
    outcomes, before = bound.predict(evidence.questions).outcomes, predictor.predict(evidence.questions).outcomes
    assert outcomes is not None
    assert before is not None
    assert np.allclose(outcomes.right, before.right)
    assert loaded.features.rows is None  # what was loaded stays as it was
    wide = Vectors(np.ones((1, 3), np.float32), ["a"], name="w.npz")
    with pytest.raises(InputError, match=r"w\.npz holds vectors of 3 numbers, but the predictor was fitted with 2"):
        loaded.bound(wide.match([("a", "x")]))


@pytest.mark.parametrize("harm", ["nan", "narrow", "negative"])
def test_a_file_whose_vectors_could_not_be_is_refused(tmp_path: Path, harm: str) -> None:
    predictor, _, _, path = saved(tmp_path)
    features = predictor.features
    if harm == "narrow":
        features.centre, features.spread = features.centre[:1], features.spread[:1]
    else:
        features.spread = np.full(2, np.nan if harm == "nan" else -1.0)
    save_predictor(predictor, read_predictor(path).card, tmp_path / "bad.shadow")
    with pytest.raises(InputError, match="holds a predictor that does not predict"):
        read_predictor(tmp_path / "bad.shadow")
