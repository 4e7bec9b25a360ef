"""schemathesis asks every route for what its description allows, and for what it does not: the gateway serves on."""

import asyncio
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from gateways import Start
from http_server import Serve
from other_tools import needs_tools, run_tool
from raw_client import request, send
from whole_api import whole_api

pytestmark = [pytest.mark.slow, needs_tools]

DESCRIPTION = Path(__file__).parent / "data" / "openapi.json"
ROUTES = json.loads(DESCRIPTION.read_text())["paths"]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
"""Not that whatever breaks the description is refused: only what changes a reply's cost is judged here."""
KEY = "the-right-key"


def test_whatever_is_asked_is_answered_as_described(
    serve: Serve, gateway: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    running = gateway(serve(whole_api).url, tokens=50_000_000, key=KEY)
    file = tmp_path / "asked.har"
    run_tool(
        *("st", "run", str(DESCRIPTION), "--url", running.root, "--header", f"Authorization: Bearer {KEY}"),
        *("--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing", "--max-examples", "60"),
        *("--seed", "1", "--generation-database", "none", "--continue-on-failure", "--warnings", "off", "--no-color"),
        *("--output-sanitize", "false", "--report", "har", "--report-har-path", str(file)),
        folder=tmp_path,
    )

    # What it has seen, looked at once more: its checks pass over whatever its description leaves open.
    statuses, texts = defaultdict(set), 0
    for entry in json.loads(file.read_text())["log"]["entries"]:
        asked, answer = entry["request"], entry["response"]
        statuses[asked["url"].removeprefix(running.root)].add(answer["status"])
        texts += "secret" in asked.get("postData", {}).get("text", "")
        assert 200 <= answer["status"] < 500
        if answer["status"] >= 400:
            assert {"message", "type", "param", "code"} == set(json.loads(answer["content"]["text"])["error"])
    assert set(ROUTES) == set(statuses)
    for path, methods in ROUTES.items():
        wanted = {200, 405} | ({400, 401} if "post" in methods else set())
        assert wanted <= statuses[path], path

    assert texts > 300
    lines = running.requests()
    assert len(lines) > 300
    assert {"length", "finished", "refused by server"} == {line["outcome"] for line in lines}
    for said in (running.said.getvalue(), caplog.text, capfd.readouterr().err):
        assert not [word for word in ("secret", KEY, "Traceback") if word in said]

    body: Any = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    after = asyncio.run(send(running.url, request(running.url, body, Authorization=f"Bearer {KEY}")))
    assert 200 == after.status
    assert after.body.endswith(b"data: [DONE]\n\n")
