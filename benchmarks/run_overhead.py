"""What a run costs besides the model: requests a second with an engine that replies at once, and where the time goes.

python benchmarks/run_overhead.py             the ledger, the market and the grader at work; medians of five
python benchmarks/run_overhead.py --profile   where the time goes

Every request is granted by the market, reserved in a ledger on disk, streamed, graded, and settled with its text. The
peer is what a careful script would do without us: the same engine, a semaphore, and one line of JSON flushed to a file
for each reply. The physical limit is a loop of tasks that only yield once, as each reply must.
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.engines import ReplayEngine, Reply, Request
from shadowprice.ledger import Ledger
from shadowprice.policies import get_policy
from shadowprice.runner import RunSettings, run
from shadowprice.tasks import Question

CONCURRENCY = 64
TEXT = "48 is 6 times 8, and 6 times 8 is 48, so we are done.\nAnswer: 48"
TOKENS = 24
GRID = np.round(8.0 * 2.0 ** (np.arange(40) / 3.0))


def asked(count: int) -> list[Question]:
    """Questions with a reference answer."""
    return [Question(f"q{number}", f"What is 6 times 8, and {number}?", "48") for number in range(count)]


def engine() -> ReplayEngine:
    """Replies at once, in one piece."""
    return ReplayEngine(lambda request: Reply(TEXT, TOKENS), step=TOKENS)


def beliefs(count: int) -> Beliefs:
    """All alike: right at 24 tokens with a chance of 0.8."""
    right = np.tile(0.8 * (GRID >= TOKENS), (count, 1))
    ones = np.ones(count)
    return Beliefs(
        TOKENS * ones, 0.1 * ones, 0.1 * ones, Outcomes(GRID, right, np.tile(1.0 * (GRID >= TOKENS), (count, 1)))
    )


def ours(policy: str, questions: list[Question], folder: Path) -> None:
    """One run, end to end."""
    market = get_policy(policy).open(beliefs(len(questions)), 40 * len(questions))
    with Ledger(folder / f"{time.monotonic_ns()}.ledger") as ledger:
        books = ledger.open_run(budget=40 * len(questions), settings={}, fingerprint="f")
        results = asyncio.run(run(questions, engine(), market, RunSettings(concurrency=CONCURRENCY), ledger=books))
        assert all(one.correct for one in results)
        assert books.totals().spent == TOKENS * len(questions)


def script(questions: list[Question], folder: Path) -> None:
    """What one would write without us."""

    async def work() -> None:
        source, gate = engine(), asyncio.Semaphore(CONCURRENCY)

        async def one(question: Question) -> None:
            async with gate:
                text = ""
                messages = ({"role": "user", "content": question.question},)
                async for delta in source.stream(Request(question.query_id, messages, 40)):
                    text += delta.text
                file.write(json.dumps({"id": question.query_id, "text": text}) + "\n")
                file.flush()

        await asyncio.gather(*map(one, questions))

    with (folder / "script.jsonl").open("w", encoding="utf-8") as file:
        asyncio.run(work())


def limit(questions: list[Question]) -> None:
    """Tasks that yield once."""

    async def work() -> None:
        gate = asyncio.Semaphore(CONCURRENCY)

        async def one() -> None:
            async with gate:
                await asyncio.sleep(0)

        await asyncio.gather(*(one() for _ in questions))

    asyncio.run(work())


def main() -> None:
    """Print rates, ratios, and the profile if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    questions = asked(options.count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs: dict[str, Callable[[], None]] = {
            "run, index": lambda: ours("index", questions, folder),
            "run, clear-lambert": lambda: ours("clear-lambert", questions, folder),
            "run, uniform": lambda: ours("uniform", questions, folder),
            "a script with a file": lambda: script(questions, folder),
            "tasks that yield once": lambda: limit(questions),
        }
        for job in jobs.values():
            job()
        seconds: dict[str, list[float]] = {label: [] for label in jobs}
        for _ in range(5):
            for label, job in jobs.items():
                began = time.perf_counter()
                job()
                seconds[label].append(time.perf_counter() - began)
        rates = {label: options.count / statistics.median(times) for label, times in seconds.items()}
        for label, rate in rates.items():
            print(f"{label:24} {rate:9,.0f} requests/s   {rates['run, index'] / rate:.2f} of it by index")
        if options.profile:
            profile = cProfile.Profile()
            profile.runcall(jobs["run, index"])
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
