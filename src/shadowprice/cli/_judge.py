"""The options of a model that judges, and asking it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from shadowprice._errors import InputError
from shadowprice._tokens import parse_budget
from shadowprice.cli._progress import progress_bar
from shadowprice.engines import AbstractEngine, EngineChoice
from shadowprice.runner import Opinions, Pair, Recorded, Verdict, ask_judge

READS = "exact"
"""The grader by which answers are read before a model is asked; what it calls right needs no asking."""
_TAIL = 2000
"""Characters of a reply that states no answer which are shown to the model in its place."""


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Who judges, and for how much."""

    engine: str
    model: str | None
    budget: int | None
    tokens: int


def judge_options(
    judge: str | None, model: str | None, budget: str | None, tokens: int, grader: str | None
) -> JudgeOptions | None:
    """What the options ask for; None where no model shall judge.

    Raises:
        InputError: They do not go together.
    """
    if judge is None:
        if model is not None or budget is not None:
            raise InputError("--judge-model and --judge-budget need --judge ENGINE; give it, or leave them out.")
        return None
    if grader is not None:
        raise InputError("--judge and --grader are two ways to judge; give one of them.")
    return JudgeOptions(judge, model, None if budget is None else parse_budget(budget), tokens)


def pair_of(reply: Recorded, verdict: Verdict, question: str) -> Pair | None:
    """What to ask about a reply; None where there is nothing to ask."""
    if verdict.correct is not False:
        return None
    # A reply that was cut before it stated an answer has none, and that needs no model.
    answer = verdict.answer or ("" if reply.cut else (reply.text or "").strip()[-_TAIL:])
    return Pair(reply.name, reply.question or question, answer, verdict.gold) if answer else None


def judge_by_model(pairs: dict[int, Pair], verdicts: list[Verdict], options: JudgeOptions) -> dict[str, Any]:
    """Put a model's verdicts in the place of others, by row, and say what that has cost."""

    async def work() -> tuple[str, Opinions]:
        engine: AbstractEngine
        async with EngineChoice(options.engine, options.model).open(16) as engine:
            with progress_bar("judging", len(pairs)) as bar:
                asked: Sequence[Pair] = list(pairs.values())
                found = await ask_judge(
                    asked, engine, budget=options.budget, tokens=options.tokens, progress=lambda: bar.advance(1)
                )
            return engine.model, found

    model, found = asyncio.run(work())
    for row, opinion in zip(pairs, found.verdicts, strict=True):
        answer = pairs[row].answer if opinion and verdicts[row].answer is None else verdicts[row].answer
        verdicts[row] = replace(verdicts[row], correct=opinion, answer=answer)
    for row, verdict in enumerate(verdicts):
        verdicts[row] = replace(verdict, grader=f"judge:{model}")
    return {
        "model": model,
        "asked": found.asked,
        "tokens": found.tokens,
        "budget": options.budget,
        "unjudged": sum(found.missing.values()),
        "why": dict(found.missing),
    }


def told_judge(said: dict[str, Any]) -> list[str]:
    """What the judging model has cost, and what it left undone, a sentence each."""
    of = "" if said["budget"] is None else f" of {said['budget']}"
    told = [
        f"{said['model']} gave its verdict on {said['asked']} answers, with {said['tokens']}{of} tokens of its own."
    ]
    return told + [f"{count} replies were left as they are: {why}." for why, count in said["why"].items()]
