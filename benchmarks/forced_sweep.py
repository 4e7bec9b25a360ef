"""Make a budget sweep and vectors of its questions with the embedded model, to try what is read of both.

python benchmarks/forced_sweep.py -o build/sweep [-n 25] [--samples 3] [--seed 0]

Writes FOLDER/questions.jsonl (so many questions of each task family) and FOLDER/sweep.csv: accuracy at eight budgets.
At each, a reply that has not ended is cut off eight tokens before the budget, told to answer, and given those eight. So
a budget is what is paid, answer and all, and at the smallest the model answers at once.
"""

import argparse
import asyncio
import csv
from collections import Counter
from contextlib import aclosing
from pathlib import Path

from shadowprice.engines import AbstractEngine, LlamaCppEngine, Request
from shadowprice.grading import find_answer, grade
from shadowprice.tasks import Question, build_messages, make_questions, write_questions

BUDGETS = (8, 12, 16, 24, 32, 48, 64, 96)
ANSWERING = 8
CUE = "\nAnswer:"


async def reply(engine: AbstractEngine, request: Request) -> tuple[list[tuple[int, str]], bool]:
    """What had been written at each count of tokens, and whether the reply ended by itself."""
    text, said, ended = "", [(0, "")], False
    async with aclosing(engine.stream(request)) as deltas:
        async for delta in deltas:
            text += delta.text
            said.append((delta.tokens, text))
            ended = delta.finish_reason == "stop"
    return said, ended


async def forced(engine: AbstractEngine, question: Question, seed: int, warmth: float) -> dict[int, bool]:
    """Whether one reply is right at each budget."""
    messages = build_messages(question)
    longest = max(BUDGETS) - ANSWERING
    name = question.query_id
    said, ended = await reply(engine, Request(name, messages, longest, temperature=warmth, seed=seed))
    verdicts = {}
    for budget in BUDGETS:
        tokens, text = max((part for part in said if part[0] <= max(0, budget - ANSWERING)), key=lambda part: part[0])
        if not (ended and tokens == said[-1][0]):
            begun = f"{text}{CUE}".lstrip()
            ask = Request(name, messages, ANSWERING, temperature=warmth, seed=seed, stop=("\n",), prefix=begun)
            text = begun + (await reply(engine, ask))[0][-1][1]
        answer = find_answer(text, question.grader)
        right = answer is not None and grade(answer.text, question.gold, question.grader, question.entry)
        verdicts[budget] = right
    return verdicts


async def sweep(questions: list[Question], path: Path, samples: int, seed: int, warmth: float) -> Counter[int]:
    """Ask everything, and write one line per question and budget."""
    right = Counter[int]()
    async with LlamaCppEngine("smollm2", parallel=2) as engine:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(["query_id", "budget", "correct", "samples", "question", "dataset", "tier", "model"])
            for question in questions:
                tries = [forced(engine, question, seed + number, warmth) for number in range(samples)]
                counts = Counter[int]()
                for verdicts in await asyncio.gather(*tries):
                    counts.update({budget: int(hit) for budget, hit in verdicts.items()})
                right.update(counts)
                labels = [question.question, question.family, question.tier, engine.model]
                for budget in BUDGETS:
                    table.writerow([question.query_id, budget, counts[budget], samples, *labels])
    return right


def main() -> None:
    """Make the files, and print how many are right at each budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("-n", "--count", type=int, default=25, help="questions of each family")
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--temperature", type=float, default=0.6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    questions = make_questions(None, options.count, options.seed)
    write_questions(options.output / "questions.jsonl", questions)
    path = options.output / "sweep.csv"
    right = asyncio.run(sweep(questions, path, options.samples, options.seed, options.temperature))
    replies = options.samples * len(questions)
    print(f"{len(questions)} questions, {options.samples} samples, seed {options.seed}: right in % by budget")
    print("  ".join(f"{budget}: {100 * right[budget] / replies:.1f}" for budget in BUDGETS))


if __name__ == "__main__":
    main()
