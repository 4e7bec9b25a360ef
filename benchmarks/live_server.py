"""A real budget on a real server: right answers of three policies, and whether the server's own count keeps to it.

python benchmarks/live_server.py                          200 questions, 5 seeds of each policy, 20 runs in all
python benchmarks/live_server.py --questions 40 --seeds 1 a short one
python benchmarks/live_server.py --json live.json         the same, kept

A llama.cpp server with the embedded model answers over HTTP. The official `openai` client first asks every question for
its full answer (at most 256 tokens); the budget is 40 % of what that client's `usage` adds up to, which must be what
the server's metrics say. Beliefs are fitted to the bundled traces of other questions. Every run is a process of its
own, 16 replies at a time, and is charged by us and counted by the server. Runs beyond the seeds are further seeds of
`index`.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import openai

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from llama_server import llama_server, served_tokens
from shadowprice.engines import pull_model
from shadowprice.tasks import Question, build_messages, make_questions, write_questions

POLICIES = ("uniform", "clear-lambert", "index")
SHARE = 0.4
CAP = 256


def main() -> None:
    """Run it all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = measure(Path(name), asked)
    show(rows)
    if asked.json is not None:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def measure(folder: Path, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """All runs, one row each."""
    questions = draw(asked.questions)
    write_questions(folder / "q.jsonl", questions)
    shadowprice(folder, "fit", "bundled", "--exclude", "q.jsonl", "-o", "p.shadow")
    rows: list[dict[str, Any]] = []
    with llama_server(pull_model("smollm2").path, parallel=asked.concurrency, threads=asked.threads) as url:
        full = asyncio.run(answer_fully(url, questions, asked.concurrency))
        assert full == served_tokens(url), (full, served_tokens(url))
        budget = int(SHARE * full)
        print(f"Full answers take {full} tokens, by the client and by the server; the budget is {budget}.", flush=True)
        plan = [(policy, seed) for seed in range(asked.seeds) for policy in POLICIES]
        plan += [("index", seed) for seed in range(asked.seeds, asked.runs - len(plan) + asked.seeds)]
        for policy, seed in plan:
            before = served_tokens(url)
            summary = spend(folder, url, policy, seed, budget, asked.concurrency)
            used = served_tokens(url) - before
            rows.append({"policy": policy, "seed": seed, "server": used, **summary})
            print(
                f"{policy:14} seed {seed}: {summary['right']:3} right, charged {summary['spent']}, server {used} of "
                f"{budget} ({used / budget:.1%}), {summary['stopped']} stopped, {summary['abandoned']} abandoned",
                flush=True,
            )
    return rows


def draw(count: int) -> list[Question]:
    """Questions of all families in equal parts, in random order."""
    made = make_questions(None, -(-count // 14) + 1, seed=7)
    order = np.random.default_rng(0).permutation(len(made))
    return [made[int(row)] for row in order[:count]]


async def answer_fully(url: str, questions: list[Question], concurrency: int) -> int:
    """Tokens of all full answers, by the usage that OpenAI's own client reads."""
    gate = asyncio.Semaphore(concurrency)
    async with openai.AsyncOpenAI(base_url=url, api_key="none") as client:

        async def one(question: Question) -> int:
            async with gate:
                reply = await client.chat.completions.create(
                    model="smollm2",
                    messages=list(map(dict, build_messages(question))),  # type: ignore[arg-type]
                    max_tokens=CAP,
                    temperature=0.5,
                    seed=1,
                )
            assert reply.usage is not None
            return reply.usage.completion_tokens

        return sum(await asyncio.gather(*map(one, questions)))


def spend(folder: Path, url: str, policy: str, seed: int, budget: int, concurrency: int) -> dict[str, Any]:
    """One run's summary."""
    options = {
        "--policy": policy,
        "--seed": seed,
        "--budget": budget,
        "--concurrency": concurrency,
        "--predictor": "p.shadow",
        "--engine": f"llamacpp+{url}",
        "--temperature": 0.5,
        "-o": f"{policy}-{seed}.jsonl",
    }
    words = [str(word) for option in options.items() for word in option]
    summary: dict[str, Any] = json.loads(shadowprice(folder, "run", "q.jsonl", *words, "--json"))
    return summary


def shadowprice(folder: Path, *arguments: str) -> str:
    """Run the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "shadowprice", *arguments], cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def show(rows: list[dict[str, Any]]) -> None:
    """Means over the seeds that all policies have, and the budget in all runs."""
    right = defaultdict(list)
    common = {row["seed"] for row in rows if row["policy"] == POLICIES[0]}
    for row in rows:
        if row["seed"] in common:
            right[row["policy"]].append(row["right"])
    print("\n| policy | right, mean | by seed | server's tokens / budget, mean |\n|---|---|---|---|")
    for policy, counts in right.items():
        use = np.mean([row["server"] / row["budget"] for row in rows if row["policy"] == policy])
        print(f"| {policy} | {np.mean(counts):.1f} | {' '.join(map(str, counts))} | {use:.1%} |")
    within = sum(row["server"] <= row["budget"] for row in rows)
    least = min(row["server"] / row["budget"] for row in rows)
    print(f"\n{within} of {len(rows)} runs within the budget by the server's count; utilisation at least {least:.1%}.")


if __name__ == "__main__":
    main()
