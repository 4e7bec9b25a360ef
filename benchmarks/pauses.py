"""What a server makes while its client stands still: runs that are stopped for a while at random moments.

python benchmarks/pauses.py                        ten pauses of 1 to 5 s for each kind of server
python benchmarks/pauses.py --pauses 3 --kinds words --seed 1

Kinds: `llama` is a real llama.cpp server with the embedded model; `words` makes 200 tokens a second, obeys its caps,
and takes a text to go on with; `words-openai` is the same one, asked as a server that takes none. Each run is a process
of its own that gets SIGSTOP at a random moment and SIGCONT later, and is told to spend a budget that it cannot leave
over. The bound is the budget and, for each reply that may run, what a server makes past a stop.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
from counting_server import counting_server, made_tokens
from llama_server import llama_server, served_tokens
from shadowprice.engines import pull_model
from shadowprice.tasks import Question, make_questions, write_questions

CONCURRENCY = 16
OVERSHOOT = 2


def main() -> None:
    """Run it all, a line for each pause."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pauses", type=int, default=10)
    parser.add_argument("--kinds", nargs="+", default=["words", "words-openai", "llama"])
    parser.add_argument("--tokens", type=int, default=2000, help="that a run may spend with llama")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print rows as JSON instead")
    asked = parser.parse_args()
    if asked.json:
        rows = [row for kind in asked.kinds for row in drill(kind, asked)]
        print(json.dumps(rows, indent=2))
        return
    for kind in asked.kinds:
        rows = drill(kind, asked)
        over = sum(row["made"] > row["bound"] for row in rows)
        above = sum(row["made"] > row["budget"] for row in rows)
        unread = sum(row["made_beyond"] for row in rows)
        print(
            f"{kind}: {len(rows)} pauses, {over} over the bound, {above} over the budget; "
            f"{unread} tokens made beyond what was granted\n"
        )


def drill(kind: str, asked: argparse.Namespace) -> list[dict[str, Any]]:
    """One server, one run for each pause."""
    server, count, engine, questions, budget = _kind(kind, asked.tokens)
    chance = random.Random(asked.seed)
    rows = []
    with tempfile.TemporaryDirectory() as name, server as url:
        folder = Path(name)
        write_questions(folder / "q.jsonl", questions)
        for number in range(asked.pauses):
            before, seconds = count(url), chance.uniform(1.0, 5.0)
            moment = chance.random()
            enough = before + moment * budget
            summary = run(folder, engine + url, budget, number, seconds, lambda: count(url) > enough)  # noqa: B023
            time.sleep(0.5)
            made = count(url) - before
            bound = budget + CONCURRENCY * OVERSHOOT
            rows.append({**summary, "kind": kind, "made": made, "budget": budget, "bound": bound})
            print(
                f"{kind}: stopped for {seconds:.1f} s at {moment:.0%} of the budget: made {made} of {budget}, charged "
                f"{summary['spent']}, {summary['made_beyond']} beyond what was granted, {summary['pauses']} noticed",
                file=sys.stderr,
                flush=True,
            )
    return rows


def _kind(kind: str, tokens: int) -> tuple[AbstractContextManager[str], Callable[[str], int], str, list[Question], int]:
    if kind == "llama":
        model = pull_model("smollm2").path
        questions = make_questions(None, 6, seed=7)
        server = llama_server(model, parallel=CONCURRENCY, threads=1)
        return server, served_tokens, "llamacpp+", questions, tokens
    chance = random.Random(0)
    questions = [Question(f"q{n}", f"Write {chance.randint(5, 600)} words.", "a") for n in range(200)]
    return counting_server(rate=200), made_tokens, "openai+" if kind == "words-openai" else "llamacpp+", questions, 6000


def run(
    folder: Path, engine: str, budget: int, seed: int, seconds: float, is_time: Callable[[], bool]
) -> dict[str, Any]:
    """A run that stands still for some seconds."""
    command = [sys.executable, "-m", "shadowprice", "run", "q.jsonl", "--budget", str(budget), "--explore", "0"]
    command += ["--concurrency", str(CONCURRENCY), "--engine", engine, "--seed", str(seed), "--temperature", "0.5"]
    command += ["--overshoot", str(OVERSHOOT), "-o", f"{seed}.jsonl", "--json"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not is_time():
            time.sleep(0.02)
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate()
    assert process.returncode == 0, err
    summary: dict[str, Any] = json.loads(out)
    return summary


if __name__ == "__main__":
    main()
