"""`shadowprice embed`, and its vectors in fit, bench, allocate and run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import shadowprice
from http_server import Serve, Wire
from scripted_engine import COUNT, asked
from shadowprice._errors import InputError
from shadowprice.beliefs import FeaturePredictor, read_predictor
from shadowprice.beliefs.encoders import Vectors, read_vectors, write_vectors
from shadowprice.jobs import FitSettings, check, embed
from shadowprice.tasks import Question
from shadowprice.traces import read_traces

pytestmark = pytest.mark.usefixtures("small_fits")
Command = Callable[..., Any]
ENGINE = ("--engine", "scripted_engine:Scripted")


def described(text: str) -> list[int]:
    """Its length and its digits."""
    return [len(text), *(text.count(str(digit)) for digit in range(10))]


async def embeddings(wire: Wire) -> None:
    """A server that describes texts."""
    rows = [described(text) for text in wire.body["input"]]
    data = [{"index": number, "object": "embedding", "embedding": row} for number, row in enumerate(rows)]
    await wire.answer({"object": "list", "data": data})


@pytest.fixture(scope="module")
def files(scripted_traces: Path, small_fits: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A predictor that was fitted with vectors, and the vectors of the traces' and of other questions."""
    folder = tmp_path_factory.mktemp("vectors")
    predictor, ours, theirs = folder / "v.shadow", folder / "traces.npz", folder / "questions.parquet"
    traces, others = read_traces(scripted_traces), [asked(number) for number in range(200, 200 + COUNT)]
    for path, ids, texts in (
        (ours, traces.query_ids, traces.questions),
        (theirs, [one.query_id for one in others], [one.question for one in others]),
    ):
        write_vectors(Vectors(np.array([described(text) for text in texts], np.float32), ids, texts), path)
    shadowprice.fit(scripted_traces, features=ours, settings=FitSettings(running=False), output=predictor)
    return predictor, ours, theirs


def test_a_server_reads_the_questions(
    command: Command, serve: Serve, scripted_traces: Path, files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    url, output = serve(embeddings).url, tmp_path / "v.npz"
    said = command("embed", scripted_traces, "--encoder", url, "-o", output)
    assert 0 == said.code, said.err
    assert f"120 vectors of 11 numbers by {url} written to {output}." in said.err
    found, kept = read_vectors(output), read_vectors(files[1])
    assert (kept.values == found.values).all()
    assert (kept.questions, kept.query_ids) == (found.questions, found.query_ids)


def test_vectors_go_into_plans_answers_and_checks(
    command: Command, files: tuple[Path, Path, Path], scripted_traces: Path, scripted_file: Path, tmp_path: Path
) -> None:
    predictor, ours, theirs = files
    saved = read_predictor(predictor)
    assert isinstance(saved.predictor, FeaturePredictor)
    assert 11 == saved.card.features
    common = ("--predictor", predictor, "--budget", "400")
    for words in (("allocate", scripted_file, *common), ("run", scripted_file, *common, *ENGINE, "-o", tmp_path / "a")):
        said = command(*words)
        assert 2 == said.code
        assert (
            f"{predictor} was fitted with vectors of 11 numbers; give those of these questions with --featu" in said.err
        )
        said = command(*words, "--features", theirs, "--json")
        assert 0 == said.code, said.err
        assert " holds vectors of 11 numbers for " in said.err
        assert json.loads(said.out)
    said = command("run", scripted_file, *common, *ENGINE, "-o", tmp_path / "a", "--resume", "--features", ours)
    assert (2, True) == (said.code, "has a vector for none of these" in said.err)
    said = command("fit", scripted_traces, "--check", predictor, "--features", ours)
    assert said.code in (0, 1), said.err


def test_a_bench_with_vectors(command: Command, files: tuple[Path, Path, Path], scripted_traces: Path) -> None:
    plain = ("bench", scripted_traces, "--policies", "expected,oracle", "--seeds", 2, "--budgets", "8", "--json", "-")
    blind, seeing = (json.loads(command(*plain, *more).out) for more in ((), ("--features", files[1])))
    assert blind["rows"][1] == seeing["rows"][1]
    assert blind["rows"][0] != seeing["rows"][0]  # kept forecasts are told apart


def test_what_does_not_fit_is_one_sentence(
    command: Command,
    files: tuple[Path, Path, Path],
    scripted_predictor: Path,
    scripted_traces: Path,
    scripted_file: Path,
    tmp_path: Path,
) -> None:
    predictor, ours, theirs = files
    narrow = tmp_path / "narrow.npz"
    np.savez(narrow, vectors=read_vectors(theirs).values[:, :3], query_id=np.array(read_vectors(theirs).query_ids))
    for arguments, said in (
        (
            ("allocate", scripted_file, "--predictor", predictor, "--features", narrow),
            "holds vectors of 3 numbers, but",
        ),
        (
            ("allocate", scripted_file, "--predictor", scripted_predictor, "--features", theirs),
            "fitted without vectors",
        ),
        (("allocate", scripted_file, "--policy", "uniform", "--features", theirs), "--features are for a predictor"),
        (("fit", scripted_traces, "--features", theirs), "has a vector for none of these 120 questions: it names '"),
        (
            ("fit", scripted_traces, "--features", ours, "--encoder", "sentence"),
            "--encoder and --features are two read",
        ),
        (("fit", scripted_traces, "--features", ours, "-o", ours), "--output and --features name the same file"),
    ):
        ended = command(*arguments, *(("--budget", "400") if arguments[0] == "allocate" else ()))
        assert (2, 1) == (ended.code, len(ended.err.splitlines())), ended.err
        assert said in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--encoder", "smolm2"), "There is no encoder 'smolm2': did you mean smollm2?"),
        (("--encoder", "sentence", "--layers", 3), "--layers does not go with --encoder sentence"),
        (
            ("--encoder", "http://me:secret@nowhere.invalid", "--asked", "?"),
            "not go with --encoder http://nowhere.invalid;",
        ),
        (("--encoder", "none.gguf", "--model", "m"), "--model does not go with --encoder none.gguf"),
        (("--encoder", "none.gguf"), "none.gguf: no such file"),
        (("--encoder", "http://127.0.0.1:1"), "does not answer"),
        (("-o", "v.csv"), "v.csv ends in neither .npz nor .parquet"),
    ],
)
def test_what_embed_refuses(
    command: Command, scripted_file: Path, tmp_path: Path, options: tuple[Any, ...], said: str
) -> None:
    ended = command("embed", scripted_file, *(() if "-o" in options else ("-o", tmp_path / "v.npz")), *options)
    assert ended.code in (2, 4)
    assert said in ended.err
    assert not (tmp_path / "v.npz").exists()


def test_the_calls_take_vectors_as_they_are(scripted_traces: Path, scripted_questions: list[Question]) -> None:
    told: list[str] = []
    traces = read_traces(scripted_traces)
    values = np.array([[len(text), text.count("1")] for text in traces.questions], np.float32)
    known = Vectors(values, traces.query_ids, name="mine")
    fitted = shadowprice.fit(traces, features=known, settings=FitSettings(running=False), tell=told.append)
    assert ["mine holds vectors of 2 numbers for 120 of 120 questions (120 by id)."] == told
    few = Vectors(values[:2], [one.query_id for one in scripted_questions[:2]], name="few")
    with pytest.raises(InputError, match=r"was fitted with vectors of 2 numbers; give those"):
        shadowprice.allocate(scripted_questions, predictor=fitted.predictor, budget=400)
    planned = shadowprice.allocate(
        scripted_questions, predictor=fitted.predictor, features=few, budget=400, tell=told.append
    )
    assert planned.plan.tokens.sum() <= 400
    assert any("for 2 of " in one and "are believed by their texts alone" in one for one in told)
    with pytest.raises(InputError, match="was fitted with vectors of 2 numbers"):
        check(traces, fitted.predictor)


def test_bundled_questions_and_lists_can_be_read(serve: Serve) -> None:
    found = embed(["What is 17?", "Is it?"], encoder=serve(embeddings).url)
    assert (2, 11) == found.values.shape
    assert (["q1", "q2"], 11.0) == (list(found.query_ids), found.values[0, 0])


def test_a_sweep_is_fitted_and_benched_by_the_commands(command: Command, tmp_path: Path) -> None:
    path, written = tmp_path / "s.csv", tmp_path / "s.parquet"
    lines = ["query_id,budget,correct,samples,question"]
    for number in range(40):
        text = f"Add {' and '.join(str(number + i) for i in range(2 + 9 * (number % 2)))}."
        lines += [f'q{number},{budget},{2 * (budget >= 16 + 48 * (number % 2))},2,"{text}"' for budget in (16, 32, 64)]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert 0 == command("import", path, "-o", written).code
    fitted = command("fit", written, "-o", tmp_path / "p.shadow", "--json")
    assert 0 == fitted.code, fitted.err
    assert json.loads(fitted.out)["budgets"]
    assert not json.loads(fitted.out)["running"]
    scores = json.loads(fitted.out)["scores"]
    assert (40, 240, 160, 0) == tuple(scores[name] for name in ("questions", "replies", "right", "censored"))
    options = ("--seeds", 2, "--policies", "expected,oracle", "--json", "-")
    benched = command("bench", path, *options)
    assert 0 == benched.code, benched.err
    assert (
        "s.csv is a budget sweep at 16, 32, 64 tokens: a question that may use t tokens is right as often"
        in benched.err
    )
    assert "oracle" in {row["policy"] for row in json.loads(benched.out)["rows"]}
    for option in (("--online",), ("--tale", "bundled-tale-ep")):
        refused = command("bench", path, *options, *option)
        assert (2, True) == (refused.code, f"{option[0]} replays replies, and " in refused.err)
