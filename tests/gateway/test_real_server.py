"""The official client, through the gateway, against a real llama.cpp server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from gateways import Start
from llama_server import llama_server, served_tokens
from shadowprice.ledger import Ledger

pytestmark = pytest.mark.model
HI: Any = [{"role": "user", "content": "Name three colours."}]
ADD: Any = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds two numbers",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}},
    },
}


@pytest.fixture(scope="module")
def server(smollm2: Path) -> Iterator[str]:
    with llama_server(smollm2, parallel=4) as url:
        yield url


def client_of(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=60)


def spent(path: Path) -> int:
    with Ledger(path, read_only=True) as ledger:
        return sum(ledger.totals(run.name).spent for run in ledger.runs())


def test_every_call_of_the_client_runs_unchanged(server: str, gateway: Start) -> None:
    running = gateway(server, look=True)
    before = served_tokens(server)
    with client_of(running.url) as client, client_of(server) as straight:
        assert ["smollm2"] == [model.id for model in client.models.list()]
        ask: Any = {"model": "smollm2", "messages": HI, "temperature": 0, "max_tokens": 12}
        whole = client.chat.completions.create(**ask)
        pieces = [*client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True})]
        plain = straight.chat.completions.create(**ask)
        extra = 12
        text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
        assert plain.choices[0].message.content == whole.choices[0].message.content == text
        assert plain.choices[0].finish_reason == whole.choices[0].finish_reason == "length"
        assert pieces[-1].usage is not None and whole.usage is not None and plain.usage is not None
        assert 12 == pieces[-1].usage.completion_tokens == whole.usage.completion_tokens
        assert set(whole.to_dict()) == set(plain.to_dict())

        two = client.chat.completions.create(model="smollm2", messages=HI, n=2, max_tokens=8)
        assert [0, 1] == [choice.index for choice in two.choices]
        tools: Any = {"model": "smollm2", "messages": HI, "tools": [ADD], "temperature": 0, "max_tokens": 40}
        called, plain = client.chat.completions.create(**tools), straight.chat.completions.create(**tools)
        assert plain.choices[0].to_dict() == called.choices[0].to_dict()
        extra += 0 if plain.usage is None else plain.usage.completion_tokens
        assert client.completions.create(model="smollm2", prompt="The sky is", max_tokens=5).choices[0].text
        answer = client.responses.create(model="smollm2", input="Say hi", max_output_tokens=6)
        assert answer.output_text and answer.usage is not None
        kinds = [
            event.type
            for event in client.responses.create(model="smollm2", input="Hi", max_output_tokens=6, stream=True)
        ]
        assert ("response.created", "response.completed") == (kinds[0], kinds[-1])
    assert spent(running.path) == served_tokens(server) - before - extra


def test_a_stopped_stream_is_a_short_one_for_the_client(server: str, gateway: Start) -> None:
    running = gateway(server, look=True, stop=8)
    before = served_tokens(server)
    ask: Any = {"model": "smollm2", "messages": HI, "temperature": 0, "max_tokens": 200}
    with client_of(running.url) as client:
        pieces = [*client.chat.completions.create(**ask, stream=True)]
        assert "length" == pieces[-1].choices[0].finish_reason
        whole = client.chat.completions.create(**ask)
        assert "length" == whole.choices[0].finish_reason
        assert whole.usage is not None and 6 <= whole.usage.completion_tokens <= 16
    lines = running.requests()
    assert ["stopped", "stopped"] == [line["outcome"] for line in lines]
    made = served_tokens(server) - before
    assert made <= spent(running.path) <= made + 4


def test_an_empty_budget_is_asked_once(server: str, gateway: Start) -> None:
    running = gateway(server, look=True, tokens=1)
    client = openai.OpenAI(base_url=running.url, api_key="none")  # with the client's usual two retries
    with client, pytest.raises(openai.RateLimitError) as refused:
        for _ in range(2):
            client.chat.completions.create(model="smollm2", messages=HI, max_tokens=5)
    assert "budget_exhausted" == refused.value.code
    running.requests()
    assert ["budget_exhausted"] == [event["why"] for event in running.events if event["event"] == "refused"]
