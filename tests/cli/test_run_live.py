"""The whole way, for real: learn beliefs from bundled traces, then spend a budget on the embedded model."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BUDGET = 1000


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
def test_gets_more_right_than_uniform_for_the_same_tokens(tmp_path: Path) -> None:
    """60 questions that the predictor has not seen, three seeds; tokens are the engine's own count."""
    shadowprice("questions", "easy,medium,bits,story", "-n", "5", "--seed", "7", "-o", "q.jsonl", folder=tmp_path)
    shadowprice("fit", "bundled", "--exclude", "q.jsonl", "-o", "p.shadow", folder=tmp_path)

    right = {"uniform": 0, "clear-lambert": 0, "index": 0}
    for seed in range(3):
        for policy in right:
            options = ["--policy", policy, "--predictor", "p.shadow", "--budget", str(BUDGET), "--seed", str(seed)]
            summary = shadowprice(
                "run", "q.jsonl", *options, "--temperature", "0.5", "-o", "a.jsonl", "--json", folder=tmp_path
            )
            lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
            assert summary["spent"] <= BUDGET
            assert summary["spent"] == sum(line["shadowprice"]["generated"] for line in lines)
            assert summary["server_tokens"] <= summary["spent"]
            assert len({line["custom_id"] for line in lines}) == 60
            right[policy] += summary["right"]
            print(f"seed {seed}, {policy}: {summary['right']} of 60 right, {summary['spent']} tokens")
    print(right)

    assert right["index"] > right["clear-lambert"] > right["uniform"]
