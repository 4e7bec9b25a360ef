"""Answering questions inside a token budget, in one call."""

import asyncio
import functools
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ParamSpec

from shadowprice._errors import InputError
from shadowprice.engines import AbstractEngine, EngineChoice
from shadowprice.jobs._answered import Answered
from shadowprice.jobs._job import Order
from shadowprice.jobs._run_files import RunFiles
from shadowprice.jobs._session import Session
from shadowprice.jobs._spend import Asked, Engines, GivenEngine, Hooks, spend
from shadowprice.jobs._step import Follow, Tell, log, unseen
from shadowprice.jobs.given import (
    GivenFeatures,
    GivenPast,
    GivenPath,
    GivenPredictor,
    GivenQuestions,
    QuestionOptions,
    TermOptions,
    choose_live_policy,
    features_place,
    file_of,
    get_predictor,
    past_places,
    path_of,
    predict,
    predictor_file,
    read_budget,
    read_to_grade,
    with_features,
    with_past,
)
from shadowprice.policies import AbstractPolicy
from shadowprice.runner import MOST_EXPLORED, End, RunSettings, check_questions
from shadowprice.tasks import Asking

_P = ParamSpec("_P")


async def run_async(
    questions: GivenQuestions,
    *,
    budget: int | str,
    engine: GivenEngine = "llamacpp",
    output: GivenPath | None = None,
    predictor: GivenPredictor | None = None,
    features: GivenFeatures | None = None,
    past: Sequence[GivenPast] = (),
    policy: str | AbstractPolicy | None = None,
    ledger: GivenPath | None = None,
    resume: bool = False,
    report: GivenPath | None = None,
    explore: float = MOST_EXPLORED,
    price_per_million: float | str | None = None,
    fallback: GivenEngine | None = None,
    reading: QuestionOptions | None = None,
    asking: Asking | None = None,
    terms: TermOptions | None = None,
    settings: RunSettings | None = None,
    tell: Tell = log,
    progress: Follow = unseen,
    begun: Callable[[Session], object] = lambda session: None,
    check: bool = True,
    command: str = "shadowprice.run(…), called from Python",
) -> Answered:
    """Answer questions inside a shared token budget: what ``shadowprice run`` does, in one call.

    `run` does the same in an event loop of its own, and waits:

    ::

        ran = shadowprice.run("mine.csv", budget="30%", predictor="mine.shadow", output="answers.jsonl")
        print(ran.summary["right"], ran.totals.spent, ran.results[0].answer)

    Every question gets what it is worth at one price, is stopped when going on is no longer worth it, and is abandoned
    if it costs more than it returns. Tokens generated never exceed the budget, by the engine's own count: every token
    is reserved in a ledger before it is asked for.

    Reading, predicting and learning happen in the loop's own thread. When the task is cancelled, replies under way are
    stopped, what there is is written, and the cancelling goes on; with an output or a ledger, `resume` goes on with the
    run. Ctrl-C does the same to `run`. Messages, and what is told, name arguments as the command does: ``--explore`` is
    `explore`.

    Args:
        questions: A file, folder or ``hf:OWNER/NAME`` as the command takes it, or n questions: of
            `shadowprice.tasks.Question`, each with its grader, or bare texts, which nobody can judge.
        budget: For all questions together: tokens (``4000``, ``"4k"``), tokens a question (``"300/question"``), a share
            of what all replies would cost that nobody stops (``"30%"``, needs a predictor), or money (``"$5"``).
        engine: ``"llamacpp"`` (a model in this process), the URL of a server, ``"module:Class"``, an `EngineChoice`
            with its model and patience, or an engine: it stays open, but `run` closes it with its loop.
        output: JSONL file to write, OpenAI Batch output; the ledger lies beside it.
        predictor: A file from `fit`, or `Fitted.predictor`; without one, a share of the budget explores.
        past: Earlier replies to these questions, for a predictor that has learnt what a past says.
        features: Vectors of the questions, for a predictor that was fitted with some: an npz or Parquet file, or
            `shadowprice.beliefs.encoders.Vectors`.
        policy: How to spend: ``"index"`` (the default; ``"clear-lambert"`` for predictors of thresholds),
            ``"expected"``, ``"clear-lambert"``, ``"predictor"``, ``"uniform"``, ``"tale-ep"``, or one of your own.
        ledger: Ledger file, if not beside the output; processes that name one share its budget. Without either, the
            ledger is gone with the run, and so is what a run that breaks off has bought.
        resume: Go on with the run in the ledger, or join it; a larger budget tops it up.
        report: HTML report to write.
        explore: Share of the budget to learn with where there is no predictor, or it does not fit; 0 to 0.1.
        price_per_million: Price of a million generated tokens, in the currency of the budget.
        fallback: Who is asked after a stop, with `RunSettings(end=End.FALLBACK)`.
        reading: How the questions are read, and who judges the replies.
        asking: How they are asked.
        terms: Guarantees, weights, and whether nobody is abandoned.
        settings: Temperature, seed, replies at the same time, caps, what becomes of stopped replies, retries.
        tell: Told what people should know, a sentence each: what the command says on stderr while it works. By default
            the logger ``shadowprice`` at INFO.
        progress: Told how far each piece of work is: reading, predicting, and spending, tokens by tokens.
        begun: Called once all is open, before the first token, with what ends the run early.
        check: Raise where nothing was bought; otherwise `Answered.check` does.
        command: What the report says it was made by.

    Returns:
        Results in the order of the questions, the ledger's totals, beliefs, and the summary that ``--json`` prints.

    Raises:
        InputError: An argument or file is not what it should be, or the ledger holds another run; nothing was spent.
            Or an event loop is running here already.
        BudgetTooSmallError: The budget buys nothing.
        EngineError: The engine cannot be had, went away, or refused every request; what is settled is in the ledger.
        LedgerError: The ledger cannot be written; what it holds is not lost.
        KeyboardInterrupt: Ctrl-C, after what there is was written.
    """
    reading, asking = reading or QuestionOptions(), asking or Asking()
    terms, settings = terms or TermOptions(), settings or RunSettings()
    files = RunFiles(path_of(output), path_of(ledger), path_of(report), resume, command)
    engines = Engines(_chosen(engine), None if fallback is None else _chosen(fallback))
    wish = read_budget(budget, price_per_million)
    if not 0.0 <= explore <= MOST_EXPLORED:
        raise InputError(f"--explore is {explore}; it must be from 0 to {MOST_EXPLORED}.")
    predicting = predictor_file(predictor)
    files.check(
        questions=file_of(questions),
        predictor=predicting,
        features=features_place(features),
        **engines.files,
        **past_places(past),
    )
    if features is not None and predictor is None:
        raise InputError("--features are for a predictor: give --predictor FILE (from `shadowprice fit`) as well.")
    if past and predictor is None:
        raise InputError("--past is for a predictor: give --predictor FILE (from `shadowprice fit`) as well.")
    remarks: list[str] = []
    given = read_to_grade(questions, reading, weights=terms.column, tell=tell, remark=remarks.append)
    asked = asking.ask_all(given)
    check_questions(asked)  # before anything is opened that an earlier run has left
    stated = terms.of(questions, len(asked))
    _check_end(settings.end, fallback=fallback is not None)
    files.check_writable()
    named = None if predictor is None else get_predictor(predictor)
    if named is not None:
        pairs = [(one.query_id, one.question) for one in asked]
        named = with_past(with_features(named, features, pairs, tell), past, pairs, tell)
    saved = None if named is None else named.saved
    known = predict(saved.predictor, asked, progress) if saved is not None and wish.needs_beliefs else None
    tokens = wish.tokens(len(asked), known)
    order = Order(asked, tokens, stated, choose_live_policy(policy, saved), saved, settings, explore)
    choices = settings.choices() | {
        "policy": order.policy.name,
        "predictor": None if named is None else named.mark,
        "terms": terms.choices(),
        "explore": explore,
        "asking": asking.options,
    }
    told = Asked(given, asking, remarks, wish, named, known)
    answered = await spend(order, told, engines, files, choices, Hooks(tell, progress, begun))
    if check:
        answered.check()
    return answered


def _chosen(engine: GivenEngine) -> EngineChoice | AbstractEngine:
    return EngineChoice(engine) if isinstance(engine, str) else engine


def _check_end(end: End, *, fallback: bool) -> None:
    """Refuse to fall back to nobody, and to have somebody to fall back to for nothing.

    Raises:
        InputError: The one is there without the other.
    """
    if (end is End.FALLBACK) != fallback:
        raise InputError("--end fallback and --fallback ENGINE go together; give both, or neither.")


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_a_loop_of_its_own(work: Callable[_P, Coroutine[Any, Any, Answered]]) -> Callable[_P, Answered]:
    async def closing(*args: _P.args, **options: _P.kwargs) -> Answered:
        try:
            return await work(*args, **options)
        finally:
            # Its connections belong to this loop, which ends now.
            for engine in (options.get("engine"), options.get("fallback")):
                if isinstance(engine, AbstractEngine):
                    await engine.aclose()

    @functools.wraps(work)
    def waiting(*args: _P.args, **options: _P.kwargs) -> Answered:
        if _loop_runs():
            raise InputError(
                "An event loop is running here, as in a notebook or an async function, and `shadowprice.run` needs one "
                "of its own: write `await shadowprice.run_async(...)` with the same arguments."
            )
        return asyncio.run(closing(*args, **options))

    return waiting


run = _in_a_loop_of_its_own(run_async)
run.__name__ = run.__qualname__ = "run"
