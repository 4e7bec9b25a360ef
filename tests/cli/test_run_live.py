"""The whole way, for real: learn beliefs from bundled traces, then spend a budget on the embedded model."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llama_server import llama_server

EACH = 17
"""Tokens for each question, about a quarter of what full answers take."""


def shadowprice(*arguments: str, folder: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "shadowprice", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr if done.returncode else "")
    return json.loads(done.stdout) if done.stdout.startswith("{") else None


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("smollm2")
@pytest.mark.parametrize(
    ("policies", "seeds", "each"),
    [
        (("index", "uniform"), 1, 3),
        pytest.param(("index", "clear-lambert", "uniform"), 3, 5, marks=pytest.mark.soak),
    ],
)
def test_gets_more_right_than_uniform_for_the_same_tokens(
    tmp_path: Path, policies: tuple[str, ...], seeds: int, each: int
) -> None:
    """36 questions that the predictor has not seen, or 60; tokens are the engine's own count."""
    count, budget = 12 * each, EACH * 12 * each
    shadowprice("questions", "easy,medium,bits,story", "-n", str(each), "--seed", "7", "-o", "q.jsonl", folder=tmp_path)
    shadowprice("fit", "bundled", "--exclude", "q.jsonl", "-o", "p.shadow", folder=tmp_path)

    right = dict.fromkeys(policies, 0)
    for seed in range(seeds):
        for policy in right:
            options = ["--policy", policy, "--predictor", "p.shadow", "--budget", str(budget), "--seed", str(seed)]
            summary = shadowprice(
                "run", "q.jsonl", *options, "--temperature", "0.5", "-o", "a.jsonl", "--json", folder=tmp_path
            )
            lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
            assert summary["spent"] <= budget
            assert summary["spent"] == sum(line["shadowprice"]["generated"] for line in lines)
            assert summary["server_tokens"] <= summary["spent"]
            assert len({line["custom_id"] for line in lines}) == count
            right[policy] += summary["right"]
            print(f"seed {seed}, {policy}: {summary['right']} of {count} right, {summary['spent']} tokens")
    print(right)

    # The policies stand in the order that they should come out in.
    assert list(right.values()) == sorted(set(right.values()), reverse=True)


@pytest.mark.soak
@pytest.mark.model
@pytest.mark.timeout(1200)
def test_recording_fitting_and_every_way_of_running_on_a_server(smollm2: Path, tmp_path: Path) -> None:
    with llama_server(smollm2, parallel=8, threads=2) as url:

        def on_server(*arguments: str, output: str) -> Any:
            options = ("--engine", f"llamacpp+{url}", "--concurrency", "8", "-o", output, "--json")
            return shadowprice(*arguments, *options, folder=tmp_path)

        shadowprice("questions", "times,plus", "-n", "6", "--seed", "3", "-o", "q.jsonl", folder=tmp_path)
        short = ("--samples", "2", "--max-tokens", "64")
        plain = on_server("record", "q.jsonl", *short, output="t.parquet")
        estimated = on_server("record", "q.jsonl", *short, "--protocol", "tale-ep", output="tale.parquet")
        assert (24, 24) == (plain["replies"], estimated["replies"])
        shadowprice("fit", "t.parquet", "-o", "p.shadow", folder=tmp_path)

        asked = ("run", "q.jsonl", "--budget", "400", "--temperature", "0.5")
        knowing = on_server(*asked, "--predictor", "p.shadow", output="index.jsonl")
        ending = on_server(
            *asked, "--predictor", "p.shadow", "--end", "answer", "--end-tokens", "8", output="end.jsonl"
        )
        asking = on_server(*asked, "--policy", "tale-ep", output="tale.jsonl")
        learning = on_server(*asked, output="explored.jsonl")

    for summary in (knowing, ending, asking, learning):
        assert 12 == summary["questions"]
        assert 0 == summary["failed"] == summary["interrupted"]
        assert summary["server_tokens"] <= summary["spent"] <= 400
    assert "index" == knowing["policy"] == learning["policy"]
    assert 0 < asking["estimating_tokens"] <= 12 * 16
    assert learning["explored_tokens"] <= 40
    assert 0 == ending["stopped"]
    assert knowing["right"] > 0
