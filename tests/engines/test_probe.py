"""The probe against a small real server whose habits are chosen; the real llama.cpp is in test_openai_llamacpp.py."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from http_server import Serve, Wire
from shadowprice._errors import RefusedError, UnreachableError
from shadowprice.engines import ProbeReport, ServerAddress, identify, probe

KEY = "sk-secret-123456"
WORDS = ("the", "red", "fox", "ran", "over", "hills", "and", "slept", "well", "until", "noon")


@dataclass
class Habits:
    """What a server does."""

    caps: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    refused: tuple[str, ...] = ()
    seeds: bool = True
    stops: bool = True
    streams: bool = True
    usage: float | None = 1.0
    running: bool = False
    thinking: bool = False
    reasoning_tokens: int | None = None
    thinking_cap: bool = True
    hears_closing: bool = True
    owner: str = "somebody"
    pages: dict[str, Any] = field(default_factory=dict)
    counter: str | None = None
    generated: int = 0
    logprobs: float | None = None
    """By how much the log-probability of each piece is below that of the one before; None tells none."""

    async def __call__(self, wire: Wire) -> None:
        path = wire.path.partition("?")[0]
        if f"Bearer {KEY}" != wire.headers.get("authorization"):
            await wire.answer({"error": {"message": "No."}}, 401)
        elif path == "/v1/models":
            await wire.answer({"data": [{"id": "m", "owned_by": self.owner}]})
        elif path == "/metrics" and self.counter:
            text = f'# TYPE {self.counter} counter\n{self.counter}{{model="m"}} {float(self.generated)}\n'
            await wire.answer(text.encode(), kind="text/plain")
        elif path in self.pages:
            await wire.answer(self.pages[path])
        elif path == "/v1/chat/completions":
            await self.reply(wire)
        else:
            await wire.answer({"error": "not here"}, 404)

    async def reply(self, wire: Wire) -> None:
        body = wire.body
        if wrong := next((name for name in self.refused if name in body), None):
            await wire.answer({"error": {"message": f"Unsupported parameter: '{wrong}'"}}, 400)
            return
        cap = next((body[name] for name in self.caps if name in body), 200)
        greedy = body.get("temperature", 1.0) == 0
        luck = random.Random(0 if greedy else body["seed"] if self.seeds else None)
        words, ended = [], "length"
        stop = body.get("stop", [None])[0] if self.stops else None
        for _ in range(cap):
            word = luck.choice(WORDS)
            if word == stop:
                ended = "stop"
                break
            words.append(word)
        budget = body.get("thinking_token_budget", cap) if self.thinking_cap else cap
        thought = budget if self.thinking else 0
        usage: dict[str, Any] | None = None
        if self.usage is not None:
            usage = {"completion_tokens": round(self.usage * len(words))}
        if usage is not None and self.reasoning_tokens is not None:
            usage["completion_tokens_details"] = {"reasoning_tokens": min(self.reasoning_tokens, thought)}
        if not self.streams:
            message = {"content": " ".join(words)}
            await wire.answer({"choices": [{"message": message, "finish_reason": ended}], "usage": usage})
            return
        await wire.begin()
        watch = asyncio.ensure_future(wire.gone())
        try:
            for number, word in enumerate(words, start=1):
                if self.hears_closing and watch.done():
                    return
                delta = {"reasoning" if number <= thought else "content": f"{word} "}
                piece: dict[str, Any] = {"choices": [{"delta": delta}]}
                if self.logprobs is not None and body.get("logprobs"):
                    told = [{"token": word, "logprob": -self.logprobs * number, "top_logprobs": []}]
                    piece["choices"][0]["logprobs"] = {"content": told}
                if self.running:
                    piece["usage"] = {"completion_tokens": number}
                self.generated += 1
                if not watch.done():
                    await wire.event(piece)
                await asyncio.sleep(0.01 if self.counter else 0)
            await wire.event({"choices": [{"delta": {}, "finish_reason": ended}]})
            if usage is not None:
                await wire.event({"choices": [], "usage": usage})
            await wire.event("[DONE]")
        finally:
            watch.cancel()


def look(serve: Serve, habits: Habits, **options: Any) -> ProbeReport:
    return asyncio.run(probe(serve(habits).url, api_key=KEY, **options))


def test_an_obedient_server(serve: Serve) -> None:
    habits = Habits(owner="vllm", pages={"/version": {"version": "0.32.0"}}, running=True)
    habits.counter, habits.logprobs = "vllm:generation_tokens_total", 0.1
    report = look(serve, habits)
    assert ("vLLM", "0.32.0", "vllm", "max_tokens", "usage") == (
        report.server,
        report.version,
        report.dialect,
        report.cap,
        report.counted_by,
    )
    assert ("m", ("m",)) == (report.model, report.models)
    assert {
        "max_tokens binds": "yes",
        "max_completion_tokens binds": "yes",
        "it streams": "yes",
        "stop strings end a reply": "yes",
        "seeds are obeyed": "yes",
        "usage is reported": "yes",
        "usage agrees with the pieces": "yes",
        "tokens are counted on the way": "yes",
        "reasoning is told apart": "not tested",
        "log-probabilities are real": "yes",
        "closing the stream stops it": "yes",
    } == {finding.check: finding.verdict for finding in report.findings}
    assert report.tokens < 80
    assert habits.generated == report.tokens


@pytest.mark.parametrize(
    ("habits", "check", "verdict", "detail"),
    [
        (Habits(stops=False), "stop strings end a reply", "no", "asked to stop at "),
        (Habits(seeds=False), "seeds are obeyed", "no", "the same seed gave "),
        (Habits(usage=None), "usage is reported", "no", "tokens are counted by the pieces that arrive"),
        (Habits(usage=0.5), "usage agrees with the pieces", "no", "it says 4, but 8 pieces arrived: the higher"),
        (Habits(usage=2.0), "max_tokens binds", "no", "asked for 8 tokens, got 16 or more"),
        (Habits(streams=False), "it streams", "no", "8 tokens came in 1 piece"),
        (Habits(), "tokens are counted on the way", "no", "only the pieces can be counted"),
        (Habits(), "closing the stream stops it", "not tested", "the server shows no metrics that count tokens"),
        (Habits(thinking=True), "reasoning is told apart", "yes", "in a field of its own"),
        (Habits(logprobs=0.1), "log-probabilities are real", "yes", "8 of 8 tokens came with one, of -0.80 to -0.10"),
        (Habits(logprobs=0.0), "log-probabilities are real", "no", "8 tokens came with 0 each, which no model means"),
        (Habits(), "log-probabilities are real", "no", "they were asked for, and none came"),
        (Habits(refused=("logprobs",)), "log-probabilities are real", "no", "Unsupported parameter: 'logprobs'"),
        (Habits(thinking=True), "reasoning tokens are reported", "no", "no count of it"),
        (Habits(thinking=True, reasoning_tokens=0), "reasoning tokens are reported", "unclear", "it says 0 tokens"),
        (Habits(thinking=True, reasoning_tokens=7), "reasoning tokens are reported", "yes", "it says 7 tokens"),
        (Habits(thinking=True), "a cap on reasoning binds", "not tested", "OpenAI has no field for it"),
        (Habits(thinking=True), "stop strings end a reply", "not tested", "the reply has no word to stop at"),
        (
            Habits(thinking=True, reasoning_tokens=30, owner="vllm"),
            "a cap on reasoning binds",
            "yes",
            "asked for 8 tokens of reasoning among 32, got 8",
        ),
        (
            Habits(thinking=True, reasoning_tokens=30, owner="vllm", thinking_cap=False),
            "a cap on reasoning binds",
            "no",
            "asked for 8 tokens of reasoning among 32, got 32",
        ),
        (
            Habits(thinking=True, owner="vllm"),
            "a cap on reasoning binds",
            "yes",
            "asked for 8 tokens of reasoning among 32, got 8",
        ),
        (
            Habits(counter="vllm:generation_tokens_total", hears_closing=False),
            "closing the stream stops it",
            "no",
            "closed after 4 pieces of at most 64; metrics count 64 tokens",
        ),
    ],
)
def test_what_servers_do_wrong(serve: Serve, habits: Habits, check: str, verdict: str, detail: str) -> None:
    report = look(serve, habits)
    assert verdict == report.verdict(check)
    assert detail in next(finding.detail for finding in report.findings if finding.check == check)


@pytest.mark.parametrize(
    ("habits", "binding", "cap"),
    [
        # A server that knows one name of the cap only, as Ollama does.
        (Habits(caps=("max_tokens",)), ("yes", "no"), "max_tokens"),
        (Habits(caps=("max_completion_tokens",)), ("no", "yes"), "max_completion_tokens"),
        (Habits(caps=("max_completion_tokens",), owner="vllm"), ("no", "yes"), "max_completion_tokens"),
        # A server that refuses the old name, as OpenAI's reasoning models do.
        (Habits(refused=("max_tokens",)), ("no", "yes"), "max_completion_tokens"),
        (Habits(refused=("max_tokens",), owner="vllm"), ("no", "yes"), "max_completion_tokens"),
        # Neither: the dialect's own stays, and is enforced by us.
        (Habits(caps=(), owner="vllm"), ("no", "no"), "max_tokens"),
    ],
)
def test_the_cap_that_binds_is_found(serve: Serve, habits: Habits, binding: tuple[str, str], cap: str) -> None:
    report = look(serve, habits)
    assert binding == (report.verdict("max_tokens binds"), report.verdict("max_completion_tokens binds"))
    assert cap == report.cap
    assert report.tokens < 170


def test_a_server_that_gives_no_reply_at_all(serve: Serve) -> None:
    with pytest.raises(
        RefusedError, match=r"^Probing: .* refused it with HTTP 400 \(Unsupported parameter: 'stream'\)"
    ):
        look(serve, Habits(refused=("stream",)))


@pytest.mark.parametrize(
    ("owner", "pages", "dialect", "version"),
    [
        ("vllm", {"/version": {"version": "0.32.0"}}, "vllm", "0.32.0"),
        ("sglang", {"/get_server_info": {"version": "0.6"}}, "sglang", "0.6"),
        ("llamacpp", {"/props": {"build_info": "b1-x"}}, "llamacpp", "b1-x"),
        ("library", {"/api/version": {"version": "0.12"}, "/version": {}}, "ollama", "0.12"),
        ("openai-internal", {}, "openai", None),
        ("me", {"/get_model_info": {"model_path": "m"}}, "sglang", None),
        ("me", {"/version": {"version": "1"}}, "vllm", "1"),
        ("me", {"/version": "1"}, None, None),
        ("me", {}, None, None),
    ],
)
def test_servers_are_told_apart(
    serve: Serve, owner: str, pages: dict[str, Any], dialect: str | None, version: str | None
) -> None:
    server = identify(ServerAddress(serve(Habits(owner=owner, pages=pages)).url, KEY))
    assert (dialect, version, ("m",), None) == (server.dialect, server.version, server.models, server.counter)


@pytest.mark.parametrize("listing", [b"", b"[]", b"<html>", b'{"data": 5}', b'{"data": [5, {"id": null}]}'])
def test_listings_that_are_none(serve: Serve, listing: bytes) -> None:
    async def handler(wire: Wire) -> None:
        if wire.path == "/v1/models":
            await wire.answer(listing)
        else:
            wire.reset()

    server = identify(ServerAddress(serve(handler).url))
    assert (None, (), "unknown") == (server.dialect, server.models, server.software)


def test_a_wrong_key_and_nobody() -> None:
    with pytest.raises(UnreachableError):
        identify(ServerAddress("http://127.0.0.1:9/v1"))


def test_a_key_that_is_not_taken(serve: Serve) -> None:
    with pytest.raises(RefusedError, match=r"HTTP 401 \(No\): check the API key\.$"):
        identify(ServerAddress(serve(Habits()).url, "sk-wrong-98765"))


Command = Callable[..., Any]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SHADOWPRICE_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return monkeypatch


def test_the_command(serve: Serve, shadowprice: Command, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = serve(Habits(caps=("max_tokens",))).url
    said = shadowprice("engine", "probe", url, "--json")
    report = json.loads(said.out)
    assert (0, "max_tokens", url) == (said.code, report["cap"], report["url"])
    said = shadowprice("engine", "probe", url)
    assert 0 == said.code
    assert said.out.startswith(f"{url}: unknown, dialect openai, model m\n")
    assert "max_completion_tokens binds    no" in said.out
    assert "Caps go into max_tokens; tokens are counted by the pieces that arrive, and by usage at the end." in said.out
    (kept,) = (tmp_path / "cache" / "servers").iterdir()
    assert KEY not in kept.read_text()
    said = shadowprice("engine", "probe", serve(Habits(usage=None)).url)
    assert "tokens are counted by the pieces that arrive.\n" in said.out
    said = shadowprice("engine", "probe", f"vllm+{url}")
    assert f"{url}: unknown, dialect vllm, model m\n" in said.out


def test_the_command_says_what_is_wrong(serve: Serve, shadowprice: Command, environment: pytest.MonkeyPatch) -> None:
    said = shadowprice("engine", "probe", "http://127.0.0.1:9/v1")
    assert (4, "") == (said.code, said.out)
    assert said.err.startswith(
        "error: Looking at the server: no server can be reached at http://127.0.0.1:9/v1 (connection refused)"
    )
    said = shadowprice("engine", "probe", "host:9")
    assert (2, "error: The engine's URL is not one of a server: write it as http://host:port/v1.\n") == said[::2]
    environment.setenv("SHADOWPRICE_API_KEY", "sk-wrong-98765")
    said = shadowprice("engine", "probe", serve(Habits()).url)
    assert 4 == said.code
    assert "HTTP 401 (No): check the API key." in said.err
    assert "sk-" not in said.err
    assert "shadowprice engine probe" in shadowprice("engine", "--help").out


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "What is 1 + 1?", "gold": "2"}\n{"question": "Why?"}\n')
    return path


def test_a_run_uses_the_cap_that_the_probe_saw_bind(
    serve: Serve, shadowprice: Command, environment: pytest.MonkeyPatch, questions: Path
) -> None:
    server = serve(Habits(caps=("max_tokens",)))
    run = ("run", questions, "--policy", "uniform", "--budget", "40", "-o", questions.with_name("a.jsonl"), "--json")
    said = shadowprice(*run, "--engine", server.url)
    assert 0 == said.code
    assert ["max_completion_tokens"] * 2 == [name for body in server.bodies for name in body if name.startswith("max_")]
    # The server ignores that one: each reply was cut here, one token too late, and one more may have been on its way.
    lines = [json.loads(line)["shadowprice"] for line in questions.with_name("a.jsonl").read_text().splitlines()]
    assert [2, 2] == [line["generated"] - line["granted"] for line in lines]
    assert json.loads(said.out)["spent"] <= 40
    assert 0 == shadowprice("engine", "probe", server.url).code
    said = shadowprice(*run, "--engine", server.url)
    assert ["max_tokens"] * 2 == [name for body in server.bodies[-2:] for name in body if name.startswith("max_")]
    assert 38 <= json.loads(said.out)["spent"] <= 40


def test_runs_that_cannot_begin(
    serve: Serve, shadowprice: Command, environment: pytest.MonkeyPatch, questions: Path
) -> None:
    async def two_models(wire: Wire) -> None:
        await wire.answer({"data": [{"id": "a"}, {"id": "b"}]} if wire.path == "/v1/models" else {})

    async def no_models(wire: Wire) -> None:
        await wire.answer({}, 404)

    output = questions.with_name("out")
    for command in (("run", questions, "--policy", "uniform", "--budget", "40"), ("record", questions)):
        for url, code, complaint in (
            ("http://127.0.0.1:9/v1", 4, "no server can be reached at http://127.0.0.1:9/v1 ("),
            (serve(two_models).url, 2, "has 2 models (a, b): choose one with --model."),
            (serve(no_models).url, 2, "does not list its models: name one with --model."),
            ("ftp://host", 2, "The engine's URL is not one of a server"),
        ):
            said = shadowprice(*command, "-o", output, "--engine", url)
            assert (code, "") == (said.code, said.out)
            assert complaint in said.err
            assert not output.exists()
