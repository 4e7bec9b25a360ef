"""Learning what to believe while spending: the first part of the budget goes to questions that teach about the rest."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice._pulse import Pulse
from shadowprice.beliefs import Evidence
from shadowprice.engines import AbstractEngine
from shadowprice.grading import grade
from shadowprice.ledger import Run as LedgerRun
from shadowprice.policies import get_policy
from shadowprice.runner._results import Reason, Result
from shadowprice.runner._run import run
from shadowprice.runner._settings import RunSettings
from shadowprice.tasks import Question

if TYPE_CHECKING:
    from shadowprice.beliefs import OutcomePredictor, PriorPredictor, RunningPredictor

MOST_EXPLORED: Final = 0.1
"""Largest share of a budget that may be spent on exploring."""
SAMPLES: Final = 3
"""Replies to a question whose answer nobody knows; what most of them say is taken to be right."""
_SAMPLE: Final = " (sample "
"""Sets the requests of one question apart; unlike a sign, it is hardly part of anybody's ids."""
_FEWEST: Final = 8
"""Fewer questions than this teach nothing."""
_WARMTH: Final = 0.7
"""Least temperature at which several replies to one question differ enough to be compared."""


@dataclass(frozen=True, slots=True)
class Explored:
    """What exploring has taught, and what it has cost."""

    predictor: "OutcomePredictor | PriorPredictor"
    """What to believe of questions; the prior if nothing was learnt."""
    running: "RunningPredictor | None"
    """What to believe of replies that run, if anything was learnt."""
    results: tuple[Result, ...]
    """Questions that were answered on the way; they need not be asked again."""
    spent: int
    """Tokens."""

    @property
    def right(self) -> int:
        """Questions answered right on the way, by their graders or by what most replies said."""
        return sum(bool(result.correct) for result in self.results)


async def explore(
    questions: Sequence[Question],
    engine: AbstractEngine,
    budget: int,
    settings: RunSettings,
    *,
    share: float = MOST_EXPLORED,
    known: Sequence[Result] = (),
    ledger: LedgerRun | None = None,
    stop: asyncio.Event | None = None,
    pulse: Pulse | None = None,
    progress: Callable[[Result], None] = lambda result: None,
) -> Explored:
    """Spend at most a share of a budget on some of the questions, and learn from them.

    The questions are a random sample, of about as many as the share pays for. They are bought by `Index` at the price
    that clears their share under the prior's beliefs, so what looks too dear is not explored. Questions with reference
    answers are asked once and graded; the others three times, and the answer that most replies give counts as right.
    What a ledger holds of an earlier session is learnt from and not asked again.

    Args:
        questions: n questions of the run.
        engine: Who answers.
        budget: Tokens of the whole run.
        settings: How to ask.
        share: Largest share to spend, at most `MOST_EXPLORED`; with 0 usual beliefs are all that there is.
        known: Graded replies to other questions, to learn from as well.
        ledger: The run's ledger.
        stop: Set it to begin no more.
        pulse: Told when this program stands still.
        progress: Called with each result as it is known.

    Raises:
        InputError: The share is out of range.
        UnreachableError: The server has gone away.
    """
    if not 0.0 <= share <= MOST_EXPLORED:
        raise InputError(f"The share to explore with is {share}; it must be from 0 to {MOST_EXPLORED}.")
    from shadowprice.runner._learning import learn, usual  # scikit-learn comes with it

    # People bring budgets of the order of what is needed.
    typical = max(1.0, budget / max(1, len(questions)))
    prior = usual(settings.max_tokens or round(12 * typical), typical)
    asked = _sample(questions, share * budget / typical, settings.seed)
    left = int(share * budget) - _explored_before(ledger)
    market = get_policy("index").open(prior.predict([one.question for one in asked]), max(0, left))
    graded = all(one.gold for one in asked)
    settings = replace(
        settings, exploring=True, temperature=settings.temperature if graded else max(settings.temperature, _WARMTH)
    )
    found = await run(
        asked,
        engine,
        market,
        settings,
        ledger=ledger,
        stop=stop,
        abandon=False,
        pulse=pulse,
        progress=_replies_only(progress),
    )
    replies = [result for result in found if result.reason.replied]
    spent = sum(result.spent for result in found)
    groups = [_agreed(group) for group in _by_question(replies)]
    settled = set() if ledger is None else set(ledger.outcomes())
    results = [_answer_of(_one_of(group), ledger, settled) for group in groups]
    evidence = _evidence([*known, *(one for group in groups for one in group)])
    if evidence.n_queries < _FEWEST or not evidence.correct.any():
        return Explored(prior, None, tuple(results), spent)
    return Explored(*learn(evidence, prior.max_tokens, settings.seed), tuple(results), spent)


def _sample(questions: Sequence[Question], replies: float, seed: int) -> list[Question]:
    """Questions to explore, enough for about so many replies; those without a reference answer several times."""
    asked: list[Question] = []
    for row in np.random.default_rng(seed).permutation(len(questions)):
        if len(asked) >= replies:
            break
        one = questions[row]
        if one.gold:
            asked.append(one)
        else:
            asked.extend(replace(one, query_id=f"{one.query_id}{_SAMPLE}{number})") for number in range(SAMPLES))
    return asked


def _explored_before(ledger: LedgerRun | None) -> int:
    if ledger is None:
        return 0
    explored = (outcome.payload for outcome in ledger.outcomes().values() if outcome.payload.get("explored"))
    return sum(one["generated"] + one["wasted"] for one in explored)


def _by_question(replies: Sequence[Result]) -> list[list[Result]]:
    """The replies to each question."""
    groups: dict[str, list[Result]] = {}
    for one in replies:
        groups.setdefault(_base(one), []).append(one)
    return list(groups.values())


def _agreed(group: Sequence[Result]) -> list[Result]:
    """Replies to one question; without a reference answer they are right where most of them say the same."""
    if group[0].question.gold:
        return list(group)
    judged = []
    for one in group:
        same = sum(
            one.answer is not None and other.answer is not None and grade(other.answer, one.answer) for other in group
        )
        judged.append(replace(one, correct=2 * same > SAMPLES))
    return judged


def _one_of(group: Sequence[Result]) -> Result:
    """One result for a question: a right one if there is one, charged what all of its replies took."""
    chosen = next((one for one in group if one.correct), group[0])
    others = sum(one.spent for one in group) - chosen.spent
    return replace(chosen, wasted=chosen.wasted + others, attempts=sum(one.attempts for one in group))


def _answer_of(result: Result, ledger: LedgerRun | None, settled: set[str]) -> Result:
    """The result under its question's own id; several replies to one question were asked under ids of their own."""
    if result.question.gold:
        return result
    name = _base(result)
    own = replace(result, question=replace(result.question, query_id=name), correct=None)
    if ledger is not None and name not in settled:
        # Its replies are charged already.
        ledger.settle(name, 0, str(own.reason), own.payload() | {"explored": False})
    return own


def _base(result: Result) -> str:
    name = result.question.query_id
    return name if result.question.gold else name.rpartition(_SAMPLE)[0]


def _evidence(judged: Sequence[Result]) -> Evidence:
    texts = {_base(one): one.question.question for one in judged}
    number = {name: place for place, name in enumerate(sorted(texts))}
    return Evidence(
        [texts[name] for name in number],
        [number[_base(one)] for one in judged],
        [max(1, one.position) for one in judged],
        [bool(one.correct) for one in judged],
        [max(1, one.generated - one.past) for one in judged],
        [one.reason is not Reason.FINISHED for one in judged],
        completions=[one.thinking + one.text for one in judged],
    )


def _replies_only(progress: Callable[[Result], None]) -> Callable[[Result], None]:
    """Questions that exploring has left alone are not done with."""

    def show(result: Result) -> None:
        if result.reason.replied or result.reason is Reason.FAILED:
            progress(result)

    return show
