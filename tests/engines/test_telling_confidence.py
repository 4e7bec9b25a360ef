"""How sure a model was of its tokens: what servers say of it, in whatever form, and what comes of it."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest

from http_server import Serve, Wire
from shadowprice.engines import (
    Delta,
    EngineChoice,
    Finding,
    LlamaCppEngine,
    OpenAIEngine,
    ProbeReport,
    Request,
    get_dialect,
    is_real,
    remember,
)
from shadowprice.engines._confidence import read_confidence


def ask(max_tokens: int = 8, **options: Any) -> Request:
    return Request("q", ({"role": "user", "content": "Write a story about a fox."},), max_tokens, **options)


def read(url: str, request: Request, **options: Any) -> list[Delta]:
    async def work() -> list[Delta]:
        async with OpenAIEngine(url, "m", confidence=True, **options) as engine:
            return [delta async for delta in engine.stream(request)]

    return asyncio.run(work())


def chat(*tokens: Any) -> dict[str, Any]:
    return {"logprobs": {"content": list(tokens)}}


def token(chance: float, *tops: float) -> dict[str, Any]:
    return {"logprob": math.log(chance), "top_logprobs": [{"logprob": math.log(top)} for top in tops]}


FOUR = token(0.25, 0.25, 0.25, 0.25, 0.25)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (chat(FOUR), [(0.25, math.log(4))]),
        # What is not among the likeliest counts as one token.
        (chat(token(0.5, 0.5)), [(0.5, math.log(2))]),
        (chat({"logprob": math.log(0.5)}), [(0.5, math.log(2))]),
        (chat(FOUR, token(1.0, 1.0)), [(0.25, math.log(4)), (1.0, 0.0)]),
        ({"reasoning_logprobs": {"content": [FOUR]}, "logprobs": None}, [(0.25, math.log(4))]),
        (
            {"logprobs": {"token_logprobs": [math.log(0.5)], "top_logprobs": [{"a": math.log(0.5)}]}},
            [(0.5, math.log(2))],
        ),
        (chat({"logprob": -9999.0, "top_logprobs": []}), [(math.exp(-20), None)]),
    ],
)
def test_every_form_is_read(choice: dict[str, Any], expected: list[tuple[float, float | None]]) -> None:
    found = read_confidence({"choices": [choice]})
    assert [math.log(chance) for chance, _ in expected] == pytest.approx([one.logprob for one in found])
    for one, (_, entropy) in zip(found, expected, strict=True):
        assert one.entropy == pytest.approx(entropy, abs=1e-9) if entropy is not None else 0.0 <= one.entropy < 1e-6


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"logprobs": None},
        {"logprobs": {"content": None}},
        {"logprobs": {"content": [None, 5, {}, {"logprob": "x"}, {"logprob": True}, {"logprob": math.nan}]}},
        {"logprobs": [1, 2]},
        {"logprobs": {"token_logprobs": {"a": 1}, "top_logprobs": 7}},
    ],
)
def test_what_says_nothing_is_passed_over(choice: dict[str, Any]) -> None:
    assert () == read_confidence({"choices": [choice]})


def test_the_same_number_for_every_token_is_not_real() -> None:
    constant = read_confidence({"choices": [chat(*3 * [{"logprob": 0.0}])]})
    assert (3, False) == (len(constant), is_real(constant))
    assert is_real(read_confidence({"choices": [chat(FOUR, token(0.5))]}))


def test_log_probabilities_are_asked_for_only_where_they_are_wanted(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        for word in ("one ", "two "):
            await wire.event({"choices": [{"index": 0, "delta": {"content": word}, **chat(token(0.5, 0.5))}]})
        await wire.finish("stop", 2)

    server = serve(reply)
    wanted, plain = (read(server.url, ask(confidence=wanted)) for wanted in (True, False))
    assert [1, 1, 0] == [len(delta.confidence) for delta in wanted]
    assert [0, 0, 0] == [len(delta.confidence) for delta in plain]
    asked, bare = (wire.body for wire in server.asked)
    assert (True, 5) == (asked["logprobs"], asked["top_logprobs"])
    assert {"logprobs", "top_logprobs"}.isdisjoint(bare)
    read(server.url, ask(confidence=True), dialect="llamacpp")
    assert 5 == server.asked[-1].body["n_probs"]


@pytest.mark.parametrize("said", [{}, {"logprobs": None}, {"logprobs": {"content": []}}, {"logprobs": "no"}])
def test_a_server_that_tells_nothing_is_read_and_cut_as_ever(serve: Serve, said: dict[str, Any]) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        for _ in range(30):
            await wire.event({"choices": [{"index": 0, "delta": {"content": "x "}, **said}]})
        await wire.finish("stop", 30)

    deltas = read(serve(reply).url, ask(8, confidence=True))
    assert (9, "length") == (deltas[-1].tokens, deltas[-1].finish_reason)
    assert "x " * 8 == "".join(delta.text for delta in deltas)
    assert not any(delta.confidence for delta in deltas)


@pytest.mark.parametrize(("verdict", "told"), [("yes", True), ("no", False), ("unclear", False), (None, False)])
def test_a_server_is_asked_where_a_probe_has_found_them_real(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: Any, told: bool
) -> None:
    async def reply(wire: Wire) -> None:
        await wire.answer({"data": [{"id": "m", "owned_by": "openai"}]} if wire.path == "/v1/models" else {})

    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path))
    url = serve(reply).url
    findings = () if verdict is None else (Finding("log-probabilities are real", verdict, ""),)
    cap = get_dialect("openai").cap
    remember(ProbeReport(url, "m", "OpenAI", None, "openai", cap, "usage", ("m",), 60, "2026", findings))
    assert told is EngineChoice(url).open(1).tells_confidence


@pytest.mark.model
def test_the_embedded_model_tells_it_of_every_token_and_writes_the_same(smollm2: Path) -> None:
    del smollm2

    async def work() -> list[list[Delta]]:
        async with LlamaCppEngine("smollm2", context=256, parallel=1) as engine:
            asked = [ask(12, temperature=0.7, seed=3, confidence=wanted) for wanted in (True, False)]
            return [[delta async for delta in engine.stream(request)] for request in asked]

    told, untold = asyncio.run(work())
    assert [delta.text for delta in told] == [delta.text for delta in untold]
    sure = [one for delta in told for one in delta.confidence]
    assert (12, True) == (len(sure), is_real(sure))
    assert all(one.logprob < 0.0 < one.entropy < math.log(50_000) for one in sure)
    assert not any(delta.confidence for delta in untold)
