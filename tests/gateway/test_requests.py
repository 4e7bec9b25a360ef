"""What a server gets of a request, what a client gets of a refusal, and which keys go where."""

import json
import time
from typing import Any

import httpx2
import pytest

from gateways import Start
from http_server import Serve, Wire
from shadowprice.gateway import Tenant
from shadowprice.ledger import Ledger

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def ask(url: str, body: Any = None, path: str = "/chat/completions", **options: Any) -> httpx2.Response:
    with httpx2.Client(timeout=20, trust_env=False) as client:
        return client.post(url + path, json=ASKED if body is None else body, **options)


async def words(wire: Wire) -> None:
    await wire.begin()
    await wire.piece("word ")
    await wire.finish("stop", 1)


def test_only_the_cap_and_the_stream_are_changed(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url, look=False)
    body = ASKED | {
        "stream": False,
        "odd": {"deep": [1.5, None, "é"]},
        "temperature": 1.0,
        "seed": 2**60,
        "max_tokens": 50,
    }
    ask(running.url, body)
    assert body | {"stream": True, "stream_options": {"include_usage": True}} == server.bodies[0]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n_predict", "max_new_tokens"])
def test_whatever_caps_a_reply_is_capped(serve: Serve, gateway: Start, name: str) -> None:
    server = serve(words)
    running = gateway(f"llamacpp+{server.url}", longest=100)
    ask(running.url, ASKED | {name: 5000})
    assert (100, 100) == (server.bodies[0][name], server.bodies[0]["max_tokens"])


def test_several_caps_and_several_choices_share_one_budget(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url)
    ask(running.url, ASKED | {"n": 4, "max_tokens": 30, "n_predict": -1, "max_completion_tokens": 40})
    [line] = running.requests()
    assert (4, 120) == (line["choices"], line["cap"])
    assert [30, 30, 30] == [server.bodies[0][name] for name in ("max_tokens", "n_predict", "max_completion_tokens")]


def test_a_list_of_prompts_is_as_many_replies(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url)
    ask(running.url, {"model": "m", "prompt": ["a", "b", "c"], "n": 2, "max_tokens": 10}, "/completions")
    [line] = running.requests()
    assert (6, 60) == (line["choices"], line["cap"])


def test_the_thinking_budget_is_set_in_the_servers_dialect(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(f"vllm+{server.url}", thinking=20)
    ask(running.url, ASKED)
    ask(running.url, ASKED | {"thinking_token_budget": 5})
    assert [20, 5] == [body["thinking_token_budget"] for body in server.bodies]


BAD = [
    (b"", None),
    (b"{", None),
    (b"[1]", None),
    (b'"text"', None),
    (b"\xff\xfe", None),
    (b'{"model": "\xc3"}', None),
    (b'{"a":' * 200 + b"1" + b"}" * 200, None),
    (b"[" * 100_000, None),
    (b'{"seed": ' + b"9" * 5000 + b"}", None),
    (ASKED | {"stream": "yes"}, "stream"),
    (ASKED | {"stream": 1}, "stream"),
    (ASKED | {"max_tokens": 0}, "max_tokens"),
    (ASKED | {"max_tokens": -5}, "max_tokens"),
    (ASKED | {"max_tokens": "50"}, "max_tokens"),
    (ASKED | {"max_tokens": True}, "max_tokens"),
    (ASKED | {"max_completion_tokens": 1e400}, "max_completion_tokens"),
    (ASKED | {"n": 0}, "n"),
    (ASKED | {"n": 100_000}, "n"),
    (ASKED | {"n": [3]}, "n"),
    (ASKED | {"best_of": -1}, "best_of"),
    (ASKED | {"model": {"url": "http://169.254.169.254/"}}, "model"),
    (ASKED | {"stream_options": "all"}, "stream_options"),
]


def test_what_is_no_request_is_refused_in_openais_shape(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url)
    with httpx2.Client(timeout=20, trust_env=False) as client:
        for body, param in BAD:
            content = body if isinstance(body, bytes) else json.dumps(body).replace("Infinity", "1e400")
            answer = client.post(running.url + "/chat/completions", content=content)
            assert 400 == answer.status_code, body
            error = answer.json()["error"]
            assert {"message", "type", "param", "code"} == set(error)
            assert ("invalid_request_error", param) == (error["type"], error["param"]), body
    assert [] == server.bodies
    assert [] == running.requests()  # none was let in, and nothing is learnt of how long replies are
    assert [] == running.forecaster.learnt


@pytest.mark.parametrize("background", [True, "yes"])
def test_what_nobody_could_stop_is_refused(serve: Serve, gateway: Start, background: Any) -> None:
    running = gateway(serve(words).url)
    answer = ask(running.url, {"model": "m", "input": "Hi", "background": background}, "/responses")
    assert (400, "background") == (answer.status_code, answer.json()["error"]["param"])


def test_an_empty_budget_is_a_429_that_is_not_tried_again(serve: Serve, gateway: Start) -> None:
    running = gateway(serve(words).url, tokens=1)
    ask(running.url)
    answer = ask(running.url)
    assert 429 == answer.status_code
    assert "budget_exhausted" == answer.json()["error"]["code"]
    assert "false" == answer.headers["x-should-retry"]
    assert 1 <= int(answer.headers["retry-after"]) <= 3600


def test_headers_explain_a_reply(serve: Serve, gateway: Start) -> None:
    running = gateway(serve(words).url, tokens=5000)
    answer = ask(running.url, ASKED | {"max_tokens": 30})
    told = {name: value for name, value in answer.headers.items() if name.startswith(("x-shadow", "x-rate"))}
    assert ("0", "8", "begun") == tuple(told[f"x-shadowprice-{name}"] for name in ("price", "granted", "outcome"))
    assert "5000" == told["x-ratelimit-limit-tokens"]
    assert 4900 <= int(told["x-ratelimit-remaining-tokens"]) < 5000
    assert told["x-ratelimit-reset-tokens"].endswith("s")
    with Ledger(running.path, read_only=True) as ledger:
        assert [told["x-shadowprice-request"]] == [row.request for row in ledger.requests()]


def test_keys_open_doors_and_go_no_further(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url, key="right-key", upstream_key="server-key")
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "right-key"},
        {"Authorization": "Basic right-key"},
    ):
        answer = ask(running.url, headers=headers)
        assert (401, "invalid_api_key") == (answer.status_code, answer.json()["error"]["code"])
    assert 401 == httpx2.get(running.url + "/models", trust_env=False).status_code
    assert 200 == ask(running.url, headers={"Authorization": "Bearer right-key"}).status_code
    assert 200 == ask(running.url, headers={"x-api-key": "right-key"}).status_code
    assert ["Bearer server-key"] * 2 == [wire.headers["authorization"] for wire in server.asked]
    assert not any("right-key" in json.dumps(wire.headers) for wire in server.asked)
    assert 200 == httpx2.get(running.root + "/healthz", trust_env=False).status_code
    running.requests()
    kept = b"".join(file.read_bytes() for file in running.path.parent.iterdir()) + running.said.getvalue().encode()
    assert b"server-key" not in kept and b"right-key" not in kept


def test_tenants_are_worth_what_they_are_said_to_be(serve: Serve, gateway: Start) -> None:
    """At a price of a right answer for 100 tokens, replies of 40 in the mean are worth it to some and not to others."""
    tenants = (Tenant("evals", "key-of-evals", 0.1), Tenant("shop", "key-of-shop", 5.0))
    running = gateway(serve(words).url, key="usual-key", tenants=tenants, price=0.01)
    answers = {name: ask(running.url, headers={"x-api-key": key}) for name, key in KEYS.items()}
    assert {"evals": 429, "shop": 200, "usual": 200, "nobody": 401} == {
        name: answer.status_code for name, answer in answers.items()
    }
    assert "price_too_high" == answers["evals"].json()["error"]["code"]
    assert ["shop", None] == [event.get("tenant") for event in running.requests()]
    assert ["evals"] == [event.get("tenant") for event in running.events if event["event"] == "refused"]
    with Ledger(running.path, read_only=True) as ledger:
        [run] = ledger.runs()
        assert ["shop", None] == [outcome.payload.get("tenant") for outcome in ledger.outcomes(run.name)]
    kept = b"".join(file.read_bytes() for file in running.path.parent.iterdir()) + running.said.getvalue().encode()
    assert not any(key.encode() in kept for key in KEYS.values())


KEYS = {"evals": "key-of-evals", "shop": "key-of-shop", "usual": "usual-key", "nobody": "other-key"}


def test_without_a_key_of_ours_the_clients_goes_on(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    ask(gateway(server.url).url, headers={"Authorization": "Bearer mine", "OpenAI-Organization": "o", "Cookie": "c=1"})
    headers = server.asked[0].headers
    assert ("Bearer mine", "o") == (headers["authorization"], headers["openai-organization"])
    assert "cookie" not in headers


def test_prompts_and_replies_are_kept_nowhere(serve: Serve, gateway: Start) -> None:
    async def secret(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("REPLY-SECRET ")
        await wire.finish("stop", 1)

    running = gateway(serve(secret).url)
    ask(running.url, ASKED | {"messages": [{"role": "user", "content": "PROMPT-SECRET"}]})
    ask(running.url, ASKED | {"stream": False, "messages": [{"role": "user", "content": "PROMPT-SECRET"}]})
    assert 2 == len(running.requests())
    kept = b"".join(file.read_bytes() for file in running.path.parent.iterdir()) + running.said.getvalue().encode()
    assert b"SECRET" not in kept


def test_a_servers_refusal_goes_on_and_costs_nothing(serve: Serve, gateway: Start) -> None:
    async def refuses(wire: Wire) -> None:
        said = {"error": {"message": "no such model; your key is server-key", "type": "x", "param": None, "code": "y"}}
        await wire.answer(said, 404, headers={"x-request-id": "r1", "Set-Cookie": "a=1"})

    running = gateway(serve(refuses).url, upstream_key="server-key")
    answer = ask(running.url)
    assert (404, "y", "r1") == (answer.status_code, answer.json()["error"]["code"], answer.headers["x-request-id"])
    assert "server-key" not in answer.text
    assert "set-cookie" not in answer.headers
    with Ledger(running.path, read_only=True) as ledger:
        assert 0 == sum(ledger.totals(run.name).spent for run in ledger.runs())


def test_another_server_is_asked_where_one_cannot_be_reached(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(["http://127.0.0.1:1/v1", server.url])
    assert [200] * 3 == [ask(running.url).status_code for _ in range(3)]
    running = gateway("http://127.0.0.1:1/v1")
    answer = ask(running.url)
    assert (502, "upstream_unreachable") == (answer.status_code, answer.json()["error"]["code"])
    assert [(502, "connection refused")] == [(line["status"], line["why"]) for line in running.requests()]
    assert 503 == httpx2.get(running.root + "/readyz", trust_env=False).status_code
    assert 200 == httpx2.get(running.root + "/healthz", trust_env=False).status_code


def test_pages_that_generate_nothing_are_passed_through(serve: Serve, gateway: Start) -> None:
    async def pages(wire: Wire) -> None:
        await wire.answer({"path": wire.path, "body": wire.body})

    server = serve(pages)
    running = gateway(server.url)
    assert "/v1/models" == httpx2.get(running.url + "/models", trust_env=False).json()["path"]
    assert {"input": "x", "model": "e"} == ask(running.url, {"input": "x", "model": "e"}, "/embeddings").json()["body"]
    assert 405 == httpx2.get(running.url + "/chat/completions", trust_env=False).status_code
    assert 405 == ask(running.url, {}, "/models").status_code
    for path in ("/completion", "/v1/images/generations", "/v1/batches", "/slots", "/v1/models/x"):
        answer = ask(running.root, {}, path)
        assert (404, "unknown_url") == (answer.status_code, answer.json()["error"]["code"])
    assert 2 == len(server.asked)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/"])
def test_pages_about_the_gateway_are_looked_at_and_nothing_else(serve: Serve, gateway: Start, path: str) -> None:
    running = gateway(serve(words).url)
    with httpx2.Client(timeout=20, trust_env=False) as client:
        asked = {method: client.request(method, running.root + path) for method in ("GET", "HEAD", "OPTIONS")}
        assert [200] * 3 == [answer.status_code for answer in asked.values()]
        for method in ("POST", "PUT", "DELETE", "TRACE"):
            answer = client.request(method, running.root + path)
            assert (405, "GET, HEAD, OPTIONS") == (answer.status_code, answer.headers["allow"])
            assert "method_not_allowed" == answer.json()["error"]["code"]


def test_a_client_that_leaves_stops_its_reply_or_not(serve: Serve, gateway: Start) -> None:
    gone: list[int] = []

    async def slow(wire: Wire) -> None:
        import asyncio

        await wire.begin()
        for count in range(60):
            await asyncio.sleep(0.005)
            if wire.writer.transport.is_closing() or wire.reader.at_eof():
                gone.append(count)
                return
            await wire.piece("word ")
        await wire.finish("stop", 60)

    server = serve(slow)
    for on_leave, outcome in (("abort", "client left"), ("drain", "finished")):
        running = gateway(server.url, on_leave=on_leave)
        with (
            httpx2.Client(timeout=20, trust_env=False) as client,
            client.stream("POST", running.url + "/chat/completions", json=ASKED) as reply,
        ):
            next(reply.iter_bytes())
        time.sleep(0.1)
        [line] = running.requests()
        assert outcome == line["outcome"]
        assert line["tokens"] == 60 if on_leave == "drain" else line["tokens"] < 40
    assert 1 == len(gone)
