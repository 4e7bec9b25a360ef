"""OpenAI's client for node, unchanged, through the gateway against a real llama.cpp server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateways import Start
from llama_server import llama_server, served_tokens
from shadowprice.ledger import Ledger

NODE = Path(__file__).parents[2] / ".node"
SCRIPT = Path(__file__).parent / "data" / "client.cjs"

pytestmark = [
    pytest.mark.soak,
    pytest.mark.model,
    pytest.mark.skipif(not (NODE / ".installed").exists(), reason="no .node; `make test-clients` makes it"),
]


def run_client(url: str) -> Any:
    """What the script got from there."""
    kept = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    ended = subprocess.run(
        [NODE / "node", SCRIPT, url],
        env=kept | {"NODE_PATH": str(NODE / "node_modules")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert 0 == ended.returncode, ended.stderr[-2000:]
    return json.loads(ended.stdout)


def test_every_call_of_the_client_runs_unchanged(smollm2: Path, gateway: Start) -> None:
    with llama_server(smollm2, parallel=4) as server:
        running = gateway(server, look=True)
        body = {"model": "smollm2", "messages": [{"role": "user", "content": "Name three colours."}]}
        more = {"temperature": 0, "max_tokens": 12}
        straight = httpx2.post(f"{server}/chat/completions", json=body | more, timeout=60, trust_env=False).json()
        before = served_tokens(server)
        got = run_client(running.url)
        made = served_tokens(server) - before
    lines = running.requests()

    assert ["smollm2"] == got["models"]
    [plain], [whole] = straight["choices"], got["whole"]["choices"]
    text = "".join(piece["choices"][0]["delta"].get("content") or "" for piece in got["pieces"] if piece["choices"])
    assert plain["message"]["content"] == whole["message"]["content"] == text
    assert "length" == whole["finish_reason"]
    assert 12 == got["whole"]["usage"]["completion_tokens"] == got["pieces"][-1]["usage"]["completion_tokens"]
    [called] = got["tools"]["choices"]
    assert called["message"].get("tool_calls") or called["message"]["content"]
    assert [0, 1, 2] == [choice["index"] for choice in got["three"]["choices"]]
    assert all(choice["message"]["content"] for choice in got["three"]["choices"])
    assert got["text"]["choices"][0]["text"]
    assert got["answer"]["output_text"]  # which the client puts together
    assert ("response.created", "response.completed") == (got["events"][0]["type"], got["events"][-1]["type"])
    refused = got["refused"]
    assert ("BadRequestError", 400, "n") == (refused["name"], refused["status"], refused["param"])
    assert "'n' is not a whole number" in refused["message"]

    assert [1, 1, 1, 3, 1, 1, 1] == [line["choices"] for line in lines]
    with Ledger(running.path, read_only=True) as ledger:
        assert made == sum(ledger.totals(run.name).spent for run in ledger.runs())
