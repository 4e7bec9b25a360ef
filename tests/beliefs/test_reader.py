"""The embedded model as a reader of questions, and what slow readers keep."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shadowprice._errors import InputError, MissingModelError
from shadowprice.beliefs import OutcomePredictor, PredictorCard, load_predictor, save_predictor
from shadowprice.beliefs.encoders import GgufEncoder, ReaderEncoder
from shadowprice.beliefs.encoders import _kept_vectors as kept
from shadowprice.beliefs.encoders import _layers as layers_module
from shadowprice.traces import Traces

EASY = ["What is 3 plus 4?", "What is 5 plus 4?", "What is 2 plus 9?"]
ODD = ["", " ", "\ud800", "a\0b", "好 🎲 مرحبا", "many words " * 3000]


class Counting:
    """Computes vectors, and counts how often it is asked."""

    def __init__(self, fails_after: int | None = None) -> None:
        self.asked: list[str] = []
        self.left = fails_after

    def __call__(self, texts: list[str]) -> NDArray[np.float64]:
        if self.left is not None and self.left <= 0:
            raise RuntimeError("out of power")
        self.left = None if self.left is None else self.left - 1
        self.asked += texts
        return np.array([[len(text), 0.1] for text in texts])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept, "vectors_folder", lambda: tmp_path / "vectors")
    return tmp_path / "vectors"


@pytest.mark.usefixtures("folder")
def test_a_text_is_read_once() -> None:
    compute = Counting()
    first = kept.kept_vectors("m", ["a", "bb", "a", *ODD], compute)
    again = kept.kept_vectors("m", ["a", "bb", "a", *ODD], compute)
    assert sorted(compute.asked) == sorted({"a", "bb", *ODD})
    assert np.array_equal(first, again)
    assert [1.0, 2.0, 1.0] == first[:3, 0].tolist()
    kept.kept_vectors("another", ["a"], compute)
    assert "a" == compute.asked[-1]


@pytest.mark.usefixtures("folder")
def test_a_crash_loses_one_batch() -> None:
    texts = [str(number) for number in range(100)]
    with pytest.raises(RuntimeError):
        kept.kept_vectors("m", texts, Counting(fails_after=2))
    rest = Counting()
    kept.kept_vectors("m", texts, rest)
    assert 100 - 64 == len(rest.asked)


def test_texts_themselves_are_not_kept(folder: Path) -> None:
    kept.kept_vectors("m", ["a very secret question"], Counting())
    assert not any(b"secret" in file.read_bytes() for file in folder.iterdir())


def test_where_nothing_can_be_written_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(kept, "vectors_folder", lambda: tmp_path / "file" / "vectors")
    assert [[1.0, 0.1]] == kept.kept_vectors("m", ["a"], Counting()).round(3).tolist()
    monkeypatch.setattr(kept, "vectors_folder", lambda: folder)
    kept.kept_vectors("m", ["a"], Counting())
    damaged = next(folder.iterdir())
    damaged.write_bytes(b"no database at all" * 100)
    assert [[1.0, 0.1]] == kept.kept_vectors("m", ["a"], Counting()).round(3).tolist()


def test_damaged_pages_are_computed_again(folder: Path) -> None:
    texts = [str(number) for number in range(2000)]
    before = kept.kept_vectors("m", texts, Counting())
    file = next(folder.iterdir())
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert np.array_equal(before, kept.kept_vectors("m", texts, Counting()))


@pytest.mark.slow
@pytest.mark.model
def test_the_middle_layers_are_asked_how_hard_a_question_is(smollm2: Path) -> None:
    encoder = ReaderEncoder()
    vectors = encoder.transform([*EASY, "Prove that every finite group of odd order is solvable.", *ODD])
    assert (len(EASY) + 1 + len(ODD), 576) == vectors.shape
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(vectors)), abs=1e-3)
    near = vectors[:3] @ vectors[:3].T
    assert near.min() > (vectors[:3] @ vectors[3]).max()
    whole = GgufEncoder(smollm2, asked="How hard is this?").transform(EASY[:1])
    assert whole[0] @ vectors[0] < 0.9


@pytest.mark.slow
@pytest.mark.model
def test_all_layers_are_the_model_itself(smollm2: Path) -> None:
    whole, copied = (GgufEncoder(smollm2, layers, "Yes?", context=256).transform(EASY) for layers in (None, 30))
    # The copy differs by the weights of the last norm, which are the same for all texts.
    weights = whole / copied
    weights /= np.median(weights, axis=1, keepdims=True)
    assert weights[0] == pytest.approx(weights[1], rel=0.02)
    assert np.ptp(weights[0]) > 0.1


@pytest.fixture
def hollow(tmp_path: Path) -> Path:
    """A GGUF file of 30 layers with nothing in them: reading the words of a real one takes five seconds."""
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(tmp_path / "hollow.gguf", "llama")
    writer.add_block_count(30)
    writer.add_tensor("output_norm.weight", np.ones(4, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tmp_path / "hollow.gguf"


@pytest.mark.parametrize("layers", [0, 31, -1])
def test_layers_that_the_model_does_not_have(hollow: Path, layers: int) -> None:
    with pytest.raises(InputError, match=rf"has 30 layers; `layers` must be between 1 and that, not {layers}"):
        GgufEncoder(hollow, layers).transform(EASY)


def test_no_model_at_all(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    (tmp_path / "text.gguf").write_bytes(b"GGUF but no more")
    with pytest.raises(InputError, match="is not a GGUF model whose layers can be told apart"):
        GgufEncoder(tmp_path / "text.gguf", 3).transform(EASY)


def test_a_copy_that_cannot_be_written(hollow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(layers_module, "layers_folder", lambda: tmp_path / "file" / "layers")
    with pytest.raises(InputError, match=r"Cannot make the folder .*; set SHADOWPRICE_CACHE"):
        GgufEncoder(hollow, 2).transform(EASY)


def test_a_reader_is_a_model_by_name_and_never_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"No model is called '\.\./mine\.gguf'"):
        ReaderEncoder("../mine.gguf").transform(EASY)
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path))
    from shadowprice.beliefs.encoders import _reader

    _reader._path.cache_clear()
    with pytest.raises(MissingModelError, match="run `shadowprice model pull smollm2`"):
        ReaderEncoder().transform(EASY)


@pytest.mark.model
def test_a_predictor_that_reads_is_saved_and_loaded(
    smollm2: Path, sums: Traces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert smollm2.is_file()
    some = sums.evidence.of_questions(np.arange(sums.n_queries) < 20)
    predictor = OutcomePredictor(n_trees=20, encoder=ReaderEncoder()).fit(some)
    beliefs = predictor.predict(["What is 2 plus 2?"])
    assert beliefs.outcomes is not None
    grid = tuple(beliefs.outcomes.tokens.tolist())
    card = PredictorCard("sums.parquet", "m", 90, 180, "2026-01-01T00:00:00+00:00", "0.1.0", "outcome", grid=grid)
    path = tmp_path / "p.shadow"
    save_predictor(predictor, card, path)
    loaded, _ = load_predictor(path)
    assert beliefs.alpha.tolist() == loaded.predict(["What is 2 plus 2?"]).alpha.tolist()
    from shadowprice.beliefs.encoders import _reader

    _reader._path.cache_clear()
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "elsewhere"))
    with pytest.raises(MissingModelError, match="not on this machine"):
        load_predictor(path)


def test_two_processes_may_keep_at_once(folder: Path) -> None:
    kept.kept_vectors("m", ["a"], Counting())
    file = next(folder.iterdir())
    with sqlite3.connect(file) as other:
        other.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (b"key", b"value"))
        other.commit()
        seen: Any = kept.kept_vectors("m", ["a", "b"], Counting())
    assert [1.0, 1.0] == seen[:, 0].tolist()
