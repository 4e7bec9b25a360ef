"""Predictors on disk: what is written is what is read, and what does not fit is refused in one line."""

import copy
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from predictor_files import KINDS, refusal, small
from predictor_files import fitted as fitted
from shadowprice._errors import InputError
from shadowprice.beliefs import (
    AbstractPredictor,
    Beliefs,
    Evidence,
    OutcomePredictor,
    PredictorCard,
    PriorPredictor,
    Reference,
    RunningPredictor,
    ThresholdPredictor,
    likeness,
    load_predictor,
    read_predictor,
    save_predictor,
    score_beliefs,
)
from shadowprice.beliefs.saved._trusted import TRUSTED
from shadowprice.traces import Traces

CARD = PredictorCard("sums.parquet", "m", 90, 180, "2026-01-01T00:00:00+00:00", "0.1.0", "threshold")
Rewrite = Callable[..., Path]


def card_of(predictor: AbstractPredictor) -> PredictorCard:
    table = predictor.predict(["x"]).outcomes
    return CARD if table is None else replace(CARD, grid=tuple(table.tokens.tolist()), kind="outcome")


@pytest.fixture(scope="module")
def saved(fitted: dict[Any, AbstractPredictor], sums: Traces, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("predictor") / "p.shadow"
    reference = Reference.of(sums.questions, np.linspace(0.0, 1.0, sums.n_queries))
    save_predictor(fitted[ThresholdPredictor], CARD, path, reference=reference)
    return path


@pytest.fixture
def rewrite(saved: Path, tmp_path: Path) -> Rewrite:
    """Writes the saved predictor anew, with some members changed, added, or (None) left out."""

    def write(changes: dict[str, bytes | None] | None = None) -> Path:
        path = tmp_path / "changed.shadow"
        with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            members: dict[str, bytes | None] = {name: old.read(name) for name in old.namelist()}
            for name, content in (members | (changes or {})).items():
                if content is not None:
                    new.writestr(name, content)
        return path

    return write


def everything(beliefs: Beliefs) -> list[list[float]]:
    columns = [beliefs.threshold, beliefs.alpha, beliefs.beta]
    table = [] if beliefs.outcomes is None else [beliefs.outcomes.right, beliefs.outcomes.finished]
    return [column.tolist() for column in (*columns, *table)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_predictor_survives_a_round_trip(
    fitted: dict[Any, AbstractPredictor], kind: type, sums: Traces, tmp_path: Path
) -> None:
    path, card = tmp_path / "p.shadow", card_of(fitted[kind])
    save_predictor(fitted[kind], card, path)
    loaded, read = load_predictor(path)
    assert card == read
    assert type(loaded) is kind
    assert loaded.get_params() == fitted[kind].get_params()
    unseen = [*sums.questions, "What else?", ""]
    assert everything(loaded.predict(unseen)) == everything(fitted[kind].predict(unseen))
    assert ["p.shadow"] == [file.name for file in tmp_path.iterdir()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_predictor_of_few_questions_survives_too(kind: Any, tmp_path: Path) -> None:
    few = small(kind).fit(Evidence(["One?", "Two?"], np.arange(2), np.array([4, 9]), np.array([True, True])))
    save_predictor(few, card_of(few), tmp_path / "p.shadow")
    assert load_predictor(tmp_path / "p.shadow")[0].predict(["x"]).threshold == few.predict(["x"]).threshold


def test_the_card_and_the_reference_survive(sums: Traces, fitted: dict[Any, AbstractPredictor], tmp_path: Path) -> None:
    predictor = fitted[ThresholdPredictor]
    scores = score_beliefs(predictor.predict(sums.questions), sums.evidence, resamples=20)
    card = replace(
        CARD, model="große [model], <b>", token_unit="o200k", schema_version=1, scores=PredictorCard.figures(scores)
    )
    reference = Reference.of(sums.questions, np.arange(90.0))
    save_predictor(predictor, card, tmp_path / "p.shadow", reference=reference)
    saved = read_predictor(tmp_path / "p.shadow")
    assert card == saved.card
    assert {"auc", "brier", "kendall", "bias"} <= set(saved.card.scores)
    assert saved.reference is not None
    for name in ("questions", "words", "lengths", "believed"):
        assert getattr(saved.reference, name).tolist() == getattr(reference, name).tolist()
    assert saved.reference.unknown == reference.unknown
    assert saved.running is None


def test_a_predictor_for_queries_that_run_goes_along(
    fitted: dict[Any, AbstractPredictor], sums: Traces, tmp_path: Path
) -> None:
    predictor, path = fitted[OutcomePredictor], tmp_path / "p.shadow"
    beliefs = predictor.predict(sums.questions)
    assert beliefs.outcomes is not None
    running = RunningPredictor(n_trees=5, n_landmarks=4).fit(
        replace_texts(sums.evidence, [f"So {tokens} it is." for tokens in sums.answer_tokens]), beliefs
    )
    save_predictor(predictor, card_of(predictor), path, running=running)
    with zipfile.ZipFile(path) as archive:
        assert RUNNING <= types_in(json.loads(archive.read("schema.json")))
    again = read_predictor(path).running
    assert again is not None
    tokens = np.full(sums.n_queries, 20.0)
    before, after = (one.predict(beliefs.outcomes, tokens) for one in (running, again))
    assert before.right.tolist() == after.right.tolist()
    # Arrays that compiled code would read beyond.
    for name, array in (("rarity_", np.ones(3)), ("directions_", np.ones((3, 2))), ("directions_", np.ones(4096))):
        spoilt = copy.deepcopy(running)
        setattr(spoilt, name, array)
        save_predictor(predictor, card_of(predictor), path, running=spoilt)
        assert "does not predict" in refusal(path)
    # It goes with outcomes only.
    save_predictor(fitted[ThresholdPredictor], CARD, path, running=running)
    assert "does not predict" in refusal(path)


def replace_texts(evidence: Evidence, texts: list[str]) -> Evidence:
    rows = evidence.query, evidence.answer_tokens, evidence.correct, evidence.completion_tokens
    return Evidence(evidence.questions, *rows, completions=texts)


def test_there_is_no_pickle_and_no_question_inside(saved: Path, sums: Traces) -> None:
    texts = [question.encode() for question in sums.questions]
    with zipfile.ZipFile(saved) as archive:
        assert {Path(name).suffix for name in archive.namelist()} == {".json", ".npy"}
        for name in archive.namelist():
            content = archive.read(name)
            assert not content.startswith(b"\x80")
            assert not any(text in content for text in texts)
            if name.endswith(".npy"):
                assert b"'descr': '|O'" not in content[:200]
        assert "shadowprice predictor" == json.loads(archive.read("card.json"))["format"]


def test_every_trusted_type_says_why_and_is_in_some_predictor(
    fitted: dict[Any, AbstractPredictor], tmp_path: Path
) -> None:
    assert all(len(reason) > 10 for reason in TRUSTED.values())
    used = set()
    for kind in KINDS:
        path = tmp_path / f"{kind.__name__}.shadow"
        save_predictor(fitted[kind], card_of(fitted[kind]), path)
        with zipfile.ZipFile(path) as archive:
            used |= types_in(json.loads(archive.read("schema.json")))
    assert set() == used - set(TRUSTED)
    assert set() == set(TRUSTED) - used - RUNNING - ENCODERS - FEATURES


RUNNING: set[str] = {"shadowprice.beliefs.RunningPredictor", "shadowprice.beliefs.FutureModel"}
"""Types of the predictor for queries that run, which is tested beside it."""
FEATURES: set[str] = {"shadowprice.beliefs.FeaturePredictor"}
"""One that holds another, tested with its vectors."""
ENCODERS: set[str] = {name for name in TRUSTED if ".encoders." in name}
"""Types of encoders, which need an extra and are tested where it is installed."""


def types_in(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(types_in, node))
    if not isinstance(node, dict):
        return set()
    own = {f"{node['__module__']}.{node['__class__']}"} if "__loader__" in node else set()
    return own.union(*map(types_in, node.values()))


def test_what_could_not_be_loaded_is_not_saved(sums: Traces, tmp_path: Path) -> None:
    class Foreign(PriorPredictor):
        pass

    with pytest.raises(TypeError, match=r"contains .*Foreign; see beliefs/saved/_trusted"):
        save_predictor(Foreign(), CARD, tmp_path / "p.shadow")
    with pytest.raises(NotFittedError):
        save_predictor(ThresholdPredictor(), CARD, tmp_path / "p.shadow")
    assert [] == list(tmp_path.iterdir())


def test_nothing_is_written_where_nothing_can_be(fitted: dict[Any, AbstractPredictor], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / "p.shadow", tmp_path / "file" / "p.shadow", tmp_path):
        with pytest.raises(InputError, match="Cannot write"):
            save_predictor(fitted[ThresholdPredictor], CARD, path)
    assert ["file"] == [file.name for file in tmp_path.iterdir()]


def card_json(**changes: Any) -> bytes:
    card = changes.pop("card", asdict(CARD))
    content = {"format": "shadowprice predictor", "format_version": 3, "card": card, "unknown": 0.1} | changes
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"format": "another"}, " is not a predictor file; make it anew with `shadowprice fit`."),
        ({"format_version": 1}, " has format version 1, this shadowprice reads 3: fit it again."),
        ({"format_version": "x" * 99}, f" has format version {'x' * 20}, this shadowprice reads 3: fit it again."),
        (
            {"format_version": 4},
            " has format version 4, this shadowprice reads 3: upgrade shadowprice, or fit it again.",
        ),
        (
            {"card": {"mood": "good"}},
            " does not say what its predictor was fitted on; make it anew with `shadowprice fit`.",
        ),
        ({"card": None}, " does not say what its predictor was fitted on; make it anew with `shadowprice fit`."),
        (
            {"card": asdict(CARD) | {"queries": "many"}},
            " does not say what its predictor was fitted on; make it anew with `shadowprice fit`.",
        ),
        ({"unknown": "x"}, " does not say what its predictor was fitted on; make it anew with `shadowprice fit`."),
        (
            {"card": asdict(CARD) | {"grid": [1.0, 2.0]}},
            " predicts at 0 token counts, but its card names 2 others; make it anew with `shadowprice fit`.",
        ),
    ],
)  # fmt: skip
def test_a_card_that_does_not_fit(rewrite: Rewrite, changes: dict[str, Any], complaint: str) -> None:
    assert complaint == refusal(rewrite({"card.json": card_json(**changes)}))


def test_a_file_of_the_first_format_is_refused(rewrite: Rewrite) -> None:
    changes: dict[str, bytes | None] = {
        "card.json": None,
        **{f"reference-{name}.npy": None for name in ("questions", "words", "lengths", "believed")},
    }
    assert refusal(rewrite(changes)) == (
        " has no card.json: it is no predictor file, or one of format version 1; make it anew with `shadowprice fit`."
    )


def array(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values))
    return buffer.getvalue()


@pytest.mark.parametrize("content", [array([[1.0]]), array(["x"]), array([1, 2]), b"", None])
def test_a_reference_that_is_none(rewrite: Rewrite, content: bytes | None) -> None:
    assert "make it anew with `shadowprice fit`." in refusal(rewrite({"reference-lengths.npy": content}))


@pytest.mark.parametrize(
    ("name", "content"),
    [("lengths", array(np.empty(0))), ("strange", array([0.1, np.nan])), ("strange", array([[0.1]])), ("phrases", b"")],
)
def test_a_reference_that_nothing_can_be_compared_with(rewrite: Rewrite, name: str, content: bytes) -> None:
    assert "make it anew with `shadowprice fit`." in refusal(rewrite({f"reference-{name}.npy": content}))


def test_a_file_from_before_ways_of_asking_and_phrases_is_read(rewrite: Rewrite, saved: Path, sums: Traces) -> None:
    with zipfile.ZipFile(saved) as archive:
        card = json.loads(archive.read("card.json"))
    assert {} == card["card"].pop("asked")
    older: dict[str, bytes | None] = {"card.json": json.dumps(card).encode()}
    whole = read_predictor(rewrite(older | {"reference-phrases.npy": None, "reference-strange.npy": None}))
    assert {} == whole.card.asked
    assert whole.reference is not None
    assert (0, 0) == (whole.reference.phrases.size, whole.reference.strange.size)
    assert likeness(whole.reference, sums.questions).enough


def test_a_card_says_how_was_asked(fitted: dict[Any, AbstractPredictor], tmp_path: Path) -> None:
    card = replace(CARD, asked={"instruction-number-v1": 80, "odd\x1b[2J": 10})
    save_predictor(fitted[ThresholdPredictor], card, tmp_path / "p.shadow")
    asked = load_predictor(tmp_path / "p.shadow")[1].asked
    assert {"instruction-number-v1": 80, "odd\N{REPLACEMENT CHARACTER}[2J": 10} == asked


def test_an_unchanged_copy_is_read(rewrite: Rewrite) -> None:
    assert CARD == load_predictor(rewrite())[1]
