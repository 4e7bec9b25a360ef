"""Planning the tokens of every question before any is asked, with reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shadowprice._atomic import check_writable
from shadowprice._errors import BudgetTooSmallError, InputError
from shadowprice._places import Place, check_places
from shadowprice._tokens import parse_budget
from shadowprice.beliefs import Beliefs
from shadowprice.jobs._step import Follow, Tell, log, steps, unseen
from shadowprice.jobs.given import (
    GivenFeatures,
    GivenPast,
    GivenPath,
    GivenPredictor,
    GivenQuestions,
    QuestionOptions,
    TermOptions,
    believe,
    features_place,
    file_of,
    get_planner,
    nothing_known,
    past_places,
    path_of,
    predictor_file,
    read_asked,
    read_budget,
    usual_planner,
    with_features,
    with_past,
)
from shadowprice.jobs.told import summarise_plan
from shadowprice.policies import (
    AbstractPlanner,
    AbstractPolicy,
    Explanation,
    Terms,
    WhatIf,
    budgets_around,
    check_plan_name,
    explain,
    write_plan,
)
from shadowprice.policies import what_if as compare_budgets
from shadowprice.tasks import Asking, Question, settle_graders


@dataclass(frozen=True, slots=True, eq=False)
class Allocated:
    """A plan for n questions, and why it is so."""

    questions: list[Question]
    """In the order in which they were given."""
    plan: Explanation
    """``(n,)`` tokens, what they are expected to return, a reason for each, and the price."""
    terms: Terms
    policy: AbstractPlanner
    budget: int
    """Tokens."""
    beliefs: Beliefs | None
    """n rows, what is believed; None where the policy needs none."""
    what_if: WhatIf | None
    """What other budgets buy, if that was asked for."""
    summary: dict[str, Any]
    """All that is said of the plan, as ``shadowprice allocate --json`` prints it."""

    def __repr__(self) -> str:
        told = f"{int(self.plan.tokens.sum()):,} of {self.budget:,} tokens for {len(self.questions):,} questions"
        return f"Allocated({told}, price={self.plan.price:.3g})"

    def write_plan(self, path: GivenPath) -> None:
        """Write one row per question to a ``.parquet``, ``.jsonl`` or ``.csv`` file, all of it or nothing.

        Raises:
            InputError: The file cannot be written, or its name ends in something else.
        """
        write_plan(Path(path), [question.query_id for question in self.questions], self.plan)

    def write_plot(self, path: GivenPath) -> None:
        """Draw what other budgets buy, as ``.svg``, ``.png`` or ``.pdf``.

        Raises:
            InputError: The file cannot be written, or that was not asked for.
        """
        from shadowprice.bench import write_what_if_plot  # matplotlib takes a while to import

        if self.what_if is None:
            raise InputError("No budgets were compared; ask for that with what_if=True, or with budgets.")
        write_what_if_plot(self.what_if, self.budget, Path(path))

    def check(self) -> None:
        """Raise BudgetTooSmallError if no question gets a token."""
        if not self.plan.tokens.any():
            raise BudgetTooSmallError(
                f"{self.budget} tokens buy nothing for these {len(self.questions)} questions; raise the budget."
            )


def allocate(
    questions: GivenQuestions,
    *,
    budget: int | str,
    predictor: GivenPredictor | None = None,
    features: GivenFeatures | None = None,
    past: Sequence[GivenPast] = (),
    policy: str | AbstractPolicy | None = None,
    output: GivenPath | None = None,
    what_if: bool = False,
    budgets: Sequence[int | str] = (),
    plot: GivenPath | None = None,
    price_per_million: float | str | None = None,
    reading: QuestionOptions | None = None,
    asking: Asking | None = None,
    terms: TermOptions | None = None,
    tell: Tell = log,
    progress: Follow = unseen,
    check: bool = True,
) -> Allocated:
    """Plan the tokens of every question before any is asked: what ``shadowprice allocate`` does, in one call.

    ::

        planned = shadowprice.allocate("mine.csv", predictor="mine.shadow", budget="30%", what_if=True)
        print(planned.plan.tokens, planned.plan.reasons[0])

    In an async program: ``await asyncio.to_thread(shadowprice.allocate, …)``.

    Args:
        questions: A file, folder or ``hf:OWNER/NAME`` as the command takes it, or n questions: of
            `shadowprice.tasks.Question`, or bare texts.
        budget: For all questions together: tokens (``4000``, ``"4k"``), tokens a question (``"300/question"``), a share
            of what all replies would cost that nobody stops (``"30%"``), or money (``"$5"``).
        predictor: A file from `fit`, or `Fitted.predictor`; only a policy that believes nothing needs none.
        past: Earlier replies to these questions, for a predictor that has learnt what a past says.
        features: Vectors of the questions, for a predictor that was fitted with some: an npz or Parquet file, or
            `shadowprice.beliefs.encoders.Vectors`.
        policy: One that commits tokens beforehand; ``"expected"`` if left out, ``"clear-lambert"`` if the predictor is
            one of thresholds.
        output: Plan to write: ``.parquet``, ``.jsonl`` or ``.csv``.
        what_if: Compare budgets from 1/8 to 8 times this one.
        budgets: Budgets to compare instead, in tokens.
        plot: Draw the comparison: ``.svg``, ``.png`` or ``.pdf``.
        price_per_million: Price of a million generated tokens, in the currency of the budget.
        reading: How the questions are read; how one is asked depends on its grader.
        asking: How they will be asked.
        terms: Guarantees, weights, and whether nobody is abandoned.
        tell: Told what people should know, a sentence each; by default the logger ``shadowprice`` at INFO.
        progress: Told how far reading, predicting, planning and comparing are.
        check: Raise where the budget buys nothing; otherwise `Allocated.check` does.

    Returns:
        Tokens, expectation and reason of every question, the price, and what other budgets buy.

    Raises:
        InputError: An argument or file is not what it should be.
        BudgetTooSmallError: The budget buys nothing.
    """
    reading, asking, terms = reading or QuestionOptions(), asking or Asking(), terms or TermOptions()
    wish = read_budget(budget, price_per_million)
    others = [parse_budget(str(other)) for other in budgets]
    wanted = None if policy is None else get_planner(policy, "allocate")
    target, picture = path_of(output), path_of(plot)
    predicting = predictor_file(predictor)
    read: dict[str, Place] = {
        "QUESTIONS": file_of(questions),
        "--predictor": predicting,
        "--features": features_place(features),
    }
    check_plan_files(target, picture, read | past_places(past))
    if past and predictor is None:
        raise InputError("--past is for a predictor: give --predictor FILE (from `shadowprice fit`) as well.")
    if features is not None and predictor is None:
        raise InputError("--features are for a predictor: give --predictor FILE (from `shadowprice fit`) as well.")
    compares = what_if or picture is not None or bool(others)
    if compares and predictor is None:
        raise InputError("--what-if needs beliefs about the questions: give --predictor FILE (from `shadowprice fit`).")
    remarks: list[str] = []
    with steps(progress, "reading", None):
        found = read_asked(questions, reading.columns, weights=terms.column, remark=remarks.append)
        # How a question is asked depends on its grader; that nothing is graded here need not be told.
        asked = settle_graders(found, reading.grader, lambda remark: None)
        stated = terms.of(questions, len(asked))
    pairs = [(question.query_id, question.question) for question in asked]
    known = believe(
        asked,
        predictor,
        wanted,
        asking,
        tell,
        progress,
        featured=lambda named: with_past(with_features(named, features, pairs, tell), past, pairs, tell),
    )
    tokens = wish.tokens(len(asked), known)
    for guaranteed in (tokens, *others):
        stated.check(guaranteed)
    beliefs = nothing_known(len(asked)) if known is None else known
    chosen = wanted or usual_planner(has_outcomes=beliefs.outcomes is not None)
    with steps(progress, "planning", None):
        plan = chosen.plan(beliefs, tokens, stated)
        explained = explain(plan, None if known is None else chosen.curve(beliefs), stated)
    compared = _compare(chosen, beliefs, tokens, others, stated, progress) if compares else None
    for remark in remarks:
        tell(remark)
    tell(wish.said(tokens, len(asked), known))
    summary = summarise_plan(explained, asked, stated, chosen.name, tokens, compared, target)
    allocated = Allocated(asked, explained, stated, chosen, tokens, known, compared, summary)
    if target is not None:
        allocated.write_plan(target)
    if picture is not None:
        allocated.write_plot(picture)
    if check:
        allocated.check()
    return allocated


def check_plan_files(output: Path | None, plot: Path | None, read: dict[str, Place]) -> None:
    """Complain now about what could not be written later, or would replace what is read.

    Raises:
        InputError: It could not, or would.
    """
    if output is not None:
        check_plan_name(output)
    if plot is not None:
        from shadowprice.bench import check_plot_name  # matplotlib takes a while to import

        check_plot_name(plot)
    check_places({"--output": output, "--plot": plot}, read)
    for path in (output, plot):
        if path is not None:
            check_writable(path)


def _compare(
    policy: AbstractPlanner, beliefs: Beliefs, tokens: int, others: list[int], terms: Terms, follow: Follow
) -> WhatIf:
    """What other budgets buy: those that are asked for, or some around this one."""
    candidates = sorted({*others, tokens}) if others else budgets_around(tokens, terms)
    with steps(follow, "comparing budgets", len(candidates)) as work:
        return compare_budgets(policy, beliefs, candidates, terms, advance=work.advance)
