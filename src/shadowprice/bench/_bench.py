"""The table: policies × streams × budgets."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import joblib
import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import AbstractOutlook, Beliefs
from shadowprice.bench._recipe import Forecasts
from shadowprice.bench._result import BenchResult, Cell
from shadowprice.bench._streams import STREAMS, StreamSampler, default_streams, get_stream
from shadowprice.bench._tale import TaleReplies
from shadowprice.policies import POLICIES, AbstractPolicy, Knowledge, get_policy
from shadowprice.traces import TIERS, Accounting, Outcome, Replies, Traces, draw_replies, replay

_RESAMPLES: Final = 2000
_CHARGED_AS_GENERATED: Final = "is charged for what it generates, as it commits no tokens beforehand"
_WORTH_PROCESSES: Final = 10.0
"""Seconds of replaying here before further processes are started: each of them takes about as long to be of use."""
_ONLY_GENERATED: Final = "decides token by token, so there is no row where tokens are charged when allocated"
_NOT_RECORDED: Final = "needs replies of its own, and none were given (--tale)"


class Entrant(NamedTuple):
    """One row of a table."""

    label: str
    """What the table calls it."""
    policy: AbstractPolicy
    forecasts: Forecasts


class _Game(NamedTuple):
    """An entrant before one draw of a stream."""

    label: str
    policy: AbstractPolicy
    beliefs: Beliefs
    outlook: AbstractOutlook | None
    replies: Replies
    accounting: Accounting


def run_bench(
    traces: Traces,
    forecasts: Forecasts,
    *,
    streams: Sequence[str] = (),
    budgets: Sequence[int] = (),
    policies: Sequence[str] = tuple(POLICIES),
    accounting: Accounting = Accounting.ALLOCATED,
    seeds: int = 20,
    folds: int = 2,
    tale: Traces | None = None,
    jobs: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Replay every policy on every stream at every budget.

    All policies see the same draws: the same questions, and the same recorded reply to each. A policy that cannot run
    here has no cells, and a note that says why.

    Args:
        traces: Recorded replies.
        forecasts: What is believed of each question, made without it (`forecast`).
        streams: Names of the mixes; empty takes `default_streams`.
        budgets: Mean tokens per query; empty chooses four from the traces.
        policies: Names of the policies.
        accounting: What is charged.
        seeds: Draws of each stream.
        folds: Into how many folds the forecasts were cross-fitted; only reported.
        tale: Replies to the same questions that were recorded with ``--protocol tale-ep``.
        jobs: Processes to replay in; 0 begins here, and goes on in one for each CPU once that is worth their start.
        advance: Called after each draw of a stream has been replayed by all policies at all budgets.

    Raises:
        InputError: An unknown name, a budget below 1, no seed, or `tale` does not fit the traces.
    """
    entrants = [Entrant(name, get_policy(name), forecasts) for name in policies]
    return compare(
        traces,
        entrants,
        streams=streams,
        budgets=budgets,
        accounting=accounting,
        seeds=seeds,
        folds=folds,
        tale=tale,
        jobs=jobs,
        advance=advance,
    )


def compare(
    traces: Traces,
    entrants: Sequence[Entrant],
    *,
    streams: Sequence[str] = (),
    budgets: Sequence[int] = (),
    accounting: Accounting = Accounting.ALLOCATED,
    seeds: int = 20,
    folds: int = 2,
    tale: Traces | None = None,
    jobs: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> BenchResult:
    """`run_bench` for rows that differ in more than the policy: other beliefs, other curves, noise.

    Args:
        traces: Recorded replies.
        entrants: The rows; labels must differ.
        streams: As for `run_bench`, like everything below.
        budgets: Mean tokens per query.
        accounting: What is charged.
        seeds: Draws of each stream.
        folds: Only reported.
        tale: Replies of TALE-EP.
        jobs: Processes.
        advance: Called after each draw.

    Raises:
        InputError: As `run_bench`.
    """
    samplers, budgets, rival = check_bench(traces, streams, budgets, seeds, tale)
    notes = _notes(entrants, accounting, rival)
    draws = [(name, seed) for name in samplers for seed in range(seeds)]
    games = (_games(traces, entrants, samplers[name], name, seed, accounting, rival) for name, seed in draws)
    work = (joblib.delayed(_play)(game, budgets, draw[1]) for game, draw in zip(games, draws, strict=True))
    tiers = np.array(traces.strata)
    played: dict[tuple[str, str, int], list[tuple[Outcome, FloatArray]]] = {}
    for (name, _), (queries, outcomes) in zip(draws, _results(work, jobs), strict=True):
        member = tiers[queries] == np.array(TIERS)[:, np.newaxis]
        for (label, budget), outcome in outcomes.items():
            abandoned = (member & ~outcome.funded).sum(axis=1) / np.maximum(member.sum(axis=1), 1)
            played.setdefault((label, name, budget), []).append((outcome, abandoned))
        advance()
    rows = tuple(_cell(*place, samplers[place[1]].size, draws) for place, draws in played.items())
    return BenchResult(
        traces.name,
        str(accounting),
        tuple(samplers),
        budgets,
        tuple(entrant.label for entrant in entrants),
        seeds,
        folds,
        tuple(sampler.size for sampler in samplers.values()),
        rows,
        notes,
        questions=traces.n_queries,
    )


def check_bench(
    traces: Traces, streams: Sequence[str], budgets: Sequence[int], seeds: int, tale: Traces | None
) -> tuple[dict[str, StreamSampler], tuple[int, ...], TaleReplies | None]:
    """The streams by name, the budgets and the rival's replies of a bench, before anything is fitted for it.

    Raises:
        InputError: As `run_bench`.
    """
    if seeds < 1:
        raise InputError(f"{seeds} seeds measure nothing; use 20 or more.")
    samplers = {name: StreamSampler(traces, get_stream(name)) for name in tuple(streams) or default_streams(traces)}
    budgets = tuple(sorted(set(budgets))) or default_budgets(traces)
    if budgets[0] < 1:
        raise InputError(f"A budget of {budgets[0]} tokens per query buys nothing; use whole numbers from 1 up.")
    return samplers, budgets, None if tale is None else TaleReplies(tale, traces)


def default_budgets(traces: Traces) -> tuple[int, ...]:
    """Four budgets, each twice the last, from scarce to ample, tokens per query.

    The largest is the power of two nearest to where nine in ten right answers have appeared.
    """
    if not traces.correct.any():
        raise InputError(
            f"No reply in {traces.name} is right, so every policy gets 0 % of it right at any budget and there is "
            "nothing to compare; record an easier task, or look whether its verdicts are what they should be."
        )
    ample = float(np.quantile(traces.answer_tokens[traces.correct], 0.9))
    top = max(3, round(np.log2(max(ample, 1.0))))
    return tuple(2 ** (top - step) for step in (3, 2, 1, 0))


def _notes(entrants: Sequence[Entrant], accounting: Accounting, rival: TaleReplies | None) -> dict[str, str]:
    """Why rows are empty or not like the others, by label."""
    notes = {}
    for entrant in entrants:
        if entrant.policy.knows is Knowledge.ESTIMATES:
            if rival is None:
                notes[entrant.label] = _NOT_RECORDED
            elif accounting is Accounting.ALLOCATED:
                notes[entrant.label] = _CHARGED_AS_GENERATED
        elif accounting is Accounting.ALLOCATED and not entrant.policy.commits:
            notes[entrant.label] = _ONLY_GENERATED
    return notes


def _games(
    traces: Traces,
    entrants: Sequence[Entrant],
    sampler: StreamSampler,
    stream: str,
    seed: int,
    accounting: Accounting,
    rival: TaleReplies | None,
) -> list[_Game]:
    """What every entrant finds before one draw of a stream."""
    rng = np.random.default_rng([seed, list(STREAMS).index(stream)])
    replies = draw_replies(traces, sampler.draw(rng), rng)
    games = []
    for label, policy, forecasts in entrants:
        if policy.knows is Knowledge.ESTIMATES:
            if rival is not None:
                said, estimates = rival.draw(replies.queries, rng)
                games.append(_Game(label, policy, estimates, None, said, Accounting.GENERATED))
        elif policy.commits or accounting is Accounting.GENERATED:
            games.append(_Game(label, policy, *forecasts.of(policy.knows, replies), replies, accounting))
    return games


def _play(games: list[_Game], budgets: tuple[int, ...], seed: int) -> tuple[IntArray, dict[tuple[str, int], Outcome]]:
    """The questions of a draw, and what every entrant made of every budget."""
    outcomes = {}
    for game in games:
        for budget in budgets:
            market = game.policy.open(game.beliefs, budget * len(game.beliefs), outlook=game.outlook)
            order = np.random.default_rng(seed)
            outcomes[game.label, budget] = replay(market, game.replies, game.accounting, order)
    return games[0].replies.queries if games else np.zeros(0, dtype=np.int64), outcomes


def _results(work: Iterator[Any], jobs: int) -> Iterator[tuple[IntArray, dict[tuple[str, int], Outcome]]]:
    """What each piece of work gave, in order, as soon as it is there."""
    if jobs == 0:
        began = time.monotonic()
        for call, given, named in work:
            yield call(*given, **named)
            if time.monotonic() - began > _WORTH_PROCESSES and (os.cpu_count() or 1) > 1:
                break
        else:
            return
        jobs = -1
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2*n_jobs")
    yield from parallel(work)


def _cell(label: str, stream: str, budget: int, size: int, draws: Sequence[tuple[Outcome, FloatArray]]) -> Cell:
    outcomes = [outcome for outcome, _ in draws]
    accuracy = np.array([100.0 * outcome.right / size for outcome in outcomes])
    low, high = _bootstrap(accuracy)
    price = float(np.mean([outcome.price for outcome in outcomes]))
    by_tier = 100.0 * np.mean([abandoned for _, abandoned in draws], axis=0)
    return Cell(
        policy=label,
        stream=stream,
        budget=budget,
        accuracy=float(accuracy.mean()),
        ci_low=low,
        ci_high=high,
        allocated=float(np.mean([outcome.allocated for outcome in outcomes])) / size,
        generated=float(np.mean([outcome.generated for outcome in outcomes])) / size,
        abandoned=float(np.mean([100.0 * outcome.abandoned / size for outcome in outcomes])),
        abandoned_by_tier=tuple(by_tier.tolist()),
        price=None if np.isnan(price) else price,
        draws=tuple(accuracy.tolist()),
    )


def _bootstrap(values: FloatArray) -> tuple[float, float]:
    """Percentile bootstrap 95 % interval of the mean."""
    picks = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
