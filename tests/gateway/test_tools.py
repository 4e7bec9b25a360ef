"""Tools that people have, unchanged, through the gateway against a real llama.cpp server."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateways import Running, Start
from llama_server import llama_server, served_tokens
from other_tools import needs_tools, run_tool
from shadowprice.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.model, needs_tools]

QUESTION = "Name three colours."
LLM_MODELS = """
- {{model_id: chat, model_name: smollm2, api_base: "{url}"}}
- {{model_id: answers, model_name: smollm2, api_base: "{url}", responses: true}}
"""
INSPECT_TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def sums():
    asked = [Sample(id=f"sum-{a}-{b}", input=f"What is {a} + {b}?", target=str(a + b)) for a, b in [(2, 3), (7, 8)]]
    return Task(dataset=asked, solver=generate(), scorer=match(numeric=True))
"""


@pytest.fixture(scope="module")
def server(smollm2: Path) -> Iterator[str]:
    with llama_server(smollm2, parallel=4) as url:
        yield url


def spent(running: Running) -> int:
    with Ledger(running.path, read_only=True) as ledger:
        return sum(ledger.totals(run.name).spent for run in ledger.runs())


def how(running: Running) -> Counter[tuple[Any, ...]]:
    """Routes, whether they were streamed, and outcomes of all requests."""
    return Counter((line["route"], line["stream"], line["outcome"]) for line in running.requests())


def test_llm_prints_what_the_server_says_streamed_or_whole(server: str, gateway: Start, tmp_path: Path) -> None:
    running = gateway(server, look=True)
    body = {"model": "smollm2", "messages": [{"role": "user", "content": QUESTION}], "temperature": 0, "max_tokens": 12}
    straight = httpx2.post(f"{server}/chat/completions", json=body, timeout=60, trust_env=False).json()
    (tmp_path / "extra-openai-models.yaml").write_text(LLM_MODELS.format(url=running.url))
    before = served_tokens(server)

    def llm(*words: str) -> str:
        return run_tool("llm", *words, folder=tmp_path, LLM_USER_PATH=str(tmp_path))

    asked = ("-o", "temperature", "0", "-o", "max_tokens", "12", QUESTION)
    said = straight["choices"][0]["message"]["content"].strip()
    assert [said, said] == [llm("-m", "chat", *words, *asked).strip() for words in ((), ("--no-stream",))]
    # The newer API, which counts tokens by another name.
    assert llm("-m", "answers", *asked).strip()

    chat, answers = "/v1/chat/completions", "/v1/responses"
    assert {(chat, True, "length"): 1, (chat, False, "length"): 1, (answers, True, "length"): 1} == how(running)
    own = json.loads(llm("logs", "--json", "-n", "0"))
    assert 3 == len(own)
    assert 36 == sum(line["output_tokens"] for line in own) == served_tokens(server) - before == spent(running)


@pytest.mark.parametrize(
    ("model", "options", "route"),
    [
        ("openai-api/local/smollm2", ("-M", "api_key=none"), "/v1/chat/completions"),
        # With summaries it asks once more at first, and leaves that out of what it counts.
        ("openai/smollm2", ("-M", "responses_api=true", "--reasoning-summary", "none"), "/v1/responses"),
    ],
)
def test_inspect_ai_runs_an_evaluation(
    server: str, gateway: Start, tmp_path: Path, model: str, options: tuple[str, ...], route: str
) -> None:
    running = gateway(server, look=True)
    before = served_tokens(server)
    (tmp_path / "sums.py").write_text(INSPECT_TASK)
    run_tool(
        *("inspect", "eval", "sums.py", "--model", model, "--model-base-url", running.url, *options),
        *("--epochs", "2", "--max-tokens", "16", "--temperature", "0.5", "--max-connections", "4"),
        *("--log-dir", "logs", "--log-format", "json", "--display", "none"),
        folder=tmp_path,
        OPENAI_API_KEY="none",
    )
    lines = how(running)
    (log,) = (tmp_path / "logs").glob("*.json")
    own = json.loads(log.read_text())
    assert ("success", 4) == (own["status"], own["results"]["completed_samples"])
    assert [1, 1, 2, 2] == sorted(sample["epoch"] for sample in own["samples"])
    assert all(sample["output"]["completion"] for sample in own["samples"])
    counted = sum(usage["output_tokens"] for usage in own["stats"]["model_usage"].values())
    assert counted == served_tokens(server) - before == spent(running)
    assert 4 == lines.total() == lines[route, False, "finished"] + lines[route, False, "length"]
