"""Real logs, there and back: inspect_ai and lm-evaluation-harness ask the embedded model; we read what they wrote."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from other_tools import needs_tools, run_tool
from shadowprice.traces import Traces, read_traces

MAX_TOKENS = 24
SUMS = [(2, 3), (4, 5), (7, 8), (10, 5), (60, 6), (12, 9)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.model,
    pytest.mark.timeout(600),
    needs_tools,
]

Command = Callable[..., Any]

INSPECT_TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def sums():
    return Task(dataset=json_dataset("sums.jsonl"), solver=generate(), scorer=match(numeric=True))
"""

LM_EVAL_TASK = """
task: sums_local
dataset_path: json
dataset_kwargs:
  data_files: {data}
test_split: train
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs:
  until: ["Question:"]
  max_gen_toks: {max_tokens}
  do_sample: false
  temperature: 0.0
filter_list:
  - name: strict
    filter:
      - function: regex
        regex_pattern: "Answer: (-?[0-9]+)"
      - function: take_first
  - name: last-number
    filter:
      - function: regex
        group_select: -1
        regex_pattern: "(-?[0-9]+)"
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""


@pytest.fixture(scope="module")
def server(smollm2: Path) -> Iterator[str]:
    """The embedded model behind an OpenAI-compatible address of this host."""
    xllamacpp = pytest.importorskip("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(smollm2)
    params.model_alias = {"smollm2"}
    params.n_parallel, params.n_ctx = 4, 4 * 1024
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # they spin, and may share their CPUs
    params.cache_ram_mib, params.fit_params, params.verbosity, params.ui = 0, False, -1, False
    running = xllamacpp.Server(params)
    yield running.listening_address
    del running


def rows(traces: Traces) -> Counter[tuple[Any, ...]]:
    names = ("query_id", "question", "gold", "completion", "correct", "completion_tokens", "finish_reason")
    return Counter(zip(*(traces.table[name].to_pylist() for name in names), strict=True))


def test_inspect_ai(server: str, shadowprice: Command, tmp_path: Path) -> None:
    (tmp_path / "sums.py").write_text(INSPECT_TASK)
    lines = [
        {"id": f"sum-{a}-{b}", "input": f"What is {a} + {b}? End with 'Answer: N'.", "target": str(a + b)}
        for a, b in SUMS
    ]
    lines.append({"id": "story", "input": "Tell a long story about a cat.", "target": "1"})  # is cut off
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run_tool(
        *("inspect", "eval", "sums.py", "--model", "openai-api/local/smollm2", "--model-base-url", f"{server}/v1"),
        *("-M", "api_key=none", "--epochs", "2", "--max-tokens", str(MAX_TOKENS), "--temperature", "0.5"),
        *("--log-dir", "logs", "--display", "none", "--max-connections", "4"),
        folder=tmp_path,
    )
    (log,) = (tmp_path / "logs").glob("*.eval")
    as_json = tmp_path / "log.json"
    as_json.write_text(run_tool("inspect", "log", "dump", str(log), folder=tmp_path))
    own = json.loads(as_json.read_text())  # as inspect_ai itself reads it

    for source in (log, as_json):
        said = shadowprice("import", source, "-o", tmp_path / "t.parquet", "--json")
        assert 0 == said.code, said.err
        summary = json.loads(said.out)
        assert 14 == summary["replies"] == own["results"]["completed_samples"]
        assert 7 == summary["questions"]
        assert 0 == summary["tokens_estimated"]
        assert summary["tokens"] == own["stats"]["model_usage"]["openai-api/local/smollm2"]["output_tokens"]
        accuracy = own["results"]["scores"][0]["metrics"]["accuracy"]["value"]
        assert math.isclose(summary["right"] / 14, accuracy)
        traces = read_traces(tmp_path / "t.parquet")
        expected = Counter(
            (
                f"sums/{sample['id']}",
                sample["input"],
                sample["target"],
                sample["output"]["choices"][0]["message"]["content"],
                sample["scores"]["match"]["value"] == "C",
                sample["model_usage"]["openai-api/local/smollm2"]["output_tokens"],
                "length" if sample["output"]["choices"][0]["stop_reason"] == "max_tokens" else "stop",
            )
            for sample in own["samples"]
        )
        assert expected == rows(traces)
        assert {"stop", "length"} == set(traces.table["finish_reason"].to_pylist())
        assert {MAX_TOKENS} == set(traces.table["max_tokens"].to_pylist())
        assert (traces.answer_tokens <= traces.completion_tokens).all()
        assert [0, 1] * 7 == traces.table["sample_index"].to_pylist()


def test_lm_evaluation_harness(server: str, shadowprice: Command, tmp_path: Path) -> None:
    docs = [{"question": f"What is {a} + {b}?", "answer": str(a + b)} for a, b in SUMS]
    data = tmp_path / "sums.jsonl"
    data.write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (tmp_path / "sums.yaml").write_text(LM_EVAL_TASK.format(data=data, max_tokens=MAX_TOKENS))
    run_tool(
        *("lm_eval", "run", "--model", "local-chat-completions", "--tasks", "sums_local", "--include_path", "."),
        *("--model_args", f"model=smollm2,base_url={server}/v1/chat/completions,tokenized_requests=False"),
        *("--apply_chat_template", "--log_samples", "--output_path", "out"),
        folder=tmp_path,
    )
    (samples,) = (tmp_path / "out").rglob("samples_*.jsonl")
    (results,) = (tmp_path / "out").rglob("results_*.json")
    own = json.loads(results.read_text())["results"]["sums_local"]
    lines = [json.loads(line) for line in samples.read_text().splitlines()]

    for name in ("strict", "last-number"):
        said = shadowprice("import", samples, "--filter", name, "-o", tmp_path / "t.parquet", "--json")
        assert 0 == said.code, said.err
        summary = json.loads(said.out)
        assert 6 == summary["replies"] == own["sample_len"] == summary["tokens_estimated"]
        assert math.isclose(summary["right"] / 6, own[f"exact_match,{name}"])
        expected = Counter(
            (
                f"sums_local/{line['doc_id']}",
                line["doc"]["question"],
                line["target"],
                line["resps"][0][0],
                line["exact_match"] == 1.0,
                math.ceil(len(line["resps"][0][0]) / 4),
                None,
            )
            for line in lines
            if line["filter"] == name
        )
        traces = read_traces(tmp_path / "t.parquet")
        assert expected == rows(traces)
        assert {"smollm2"} == set(traces.table["model"].to_pylist())
        assert {MAX_TOKENS} == set(traces.table["max_tokens"].to_pylist())


def test_bodies_of_a_real_server_in_a_batch(server: str, shadowprice: Command, tmp_path: Path) -> None:
    asked, written, bodies = tmp_path / "in.jsonl", tmp_path / "out.jsonl", {}
    with asked.open("w") as requests, written.open("w") as output:
        for a, b in SUMS:
            body = {"messages": [{"role": "user", "content": f"What is {a} + {b}?"}], "max_tokens": 8, "temperature": 0}
            request = {"custom_id": f"{a}+{b}", "body": body | {"metadata": {"gold": str(a + b)}}}
            connection = HTTPConnection(urlsplit(server).netloc)
            connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
            reply = json.load(connection.getresponse())
            connection.close()
            bodies[f"{a}+{b}"] = reply
            response = {"status_code": 200, "request_id": "r", "body": reply}
            requests.write(json.dumps(request) + "\n")
            output.write(json.dumps({"id": "b", "custom_id": f"{a}+{b}", "response": response, "error": None}) + "\n")
    said = shadowprice("import", written, asked, "-o", tmp_path / "t.parquet", "--json")
    assert 0 == said.code, said.err
    traces = read_traces(tmp_path / "t.parquet")
    for name, body in bodies.items():
        (row,) = [row for row in traces.table.to_pylist() if row["query_id"] == name]
        assert row["completion"] == body["choices"][0]["message"]["content"]
        assert row["completion_tokens"] == body["usage"]["completion_tokens"]
        assert row["finish_reason"] == body["choices"][0]["finish_reason"]
        assert row["gold"] == str(sum(map(int, name.split("+"))))
