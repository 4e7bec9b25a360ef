"""What `shadowprice bench` does once all is read: fits, replays, and prints."""

from collections.abc import Sequence

from shadowprice._errors import InputError, no_such
from shadowprice.beliefs import Past, check_folds
from shadowprice.bench import (
    STREAM_SIZE,
    BenchResult,
    Entrant,
    Forecasts,
    Recipe,
    ablation,
    check_bench,
    compare,
    kept_forecast,
)
from shadowprice.cli._bench_tables import print_bench
from shadowprice.cli._options import out, say
from shadowprice.cli._progress import bars, progress_bar
from shadowprice.jobs.given import (
    GivenFeatures,
    GivenPast,
    check_encoder,
    choose_encoder,
    match_features,
    named_questions,
    questions_of,
    read_once,
    read_pasts,
)
from shadowprice.policies import POLICIES, ClearLambert, Knowledge, get_policy
from shadowprice.traces import BUNDLED, BUNDLED_TALE, Accounting, SweepTraces, Traces, read_traces

WITHOUT_PAST = f"{ClearLambert.name}, no past"
"""The row of the paper's method that does not know the past which the others know."""
_LEARNERS = 2
"""Questions that beliefs about replies on the way are learnt from, at least."""


def bench_traces(
    traces: Traces,
    *,
    streams: list[str],
    budgets: list[int],
    policies: list[str],
    accountings: list[Accounting],
    seeds: int = 20,
    folds: int = 2,
    tale: str | None = None,
    ablate: str | None = None,
    source: Traces | None = None,
    others: Sequence[Traces] = (),
    encoder: str | None = None,
    features: GivenFeatures | None = None,
    past: Sequence[GivenPast] = (),
    jobs: int = 0,
) -> tuple[list[BenchResult], Forecasts]:
    """Cross-fit beliefs once and bench them under each accounting; empty lists mean all."""
    asked = [get_policy(name) for name in policies or POLICIES]
    if tale is None and traces.name == BUNDLED:
        tale = BUNDLED_TALE
    rival = None if tale is None else read_traces(tale)
    # What is wrong with the question should not wait for the fit.
    samplers, costs, _ = check_bench(traces, streams, budgets, seeds, rival)
    check_folds((source or traces).evidence, folds=folds)
    check_encoder(encoder, features)
    known = [traces, *others] if source is None else [traces, source, *others]
    matched = None if features is None else match_features(features, named_questions(known), say)
    before = read_pasts(past, zip(traces.query_ids, traces.questions, strict=True), say, scored=traces)
    read_once(choose_encoder(encoder), questions_of([traces, *others]), bars())
    steps = len(accountings) * seeds * len(samplers)
    with progress_bar("bench", None, note="fitting beliefs") as bar:

        def fit(recipe: Recipe, past: Past | None = before) -> Forecasts:
            recipe = recipe._replace(folds=folds, encoder=encoder)
            bar.expect(recipe.steps)
            return kept_forecast(
                traces,
                recipe,
                source=source,
                others=others,
                features=matched,
                past=past,
                advance=bar.advance,
            )

        if ablate is not None:
            entrants = ablation(ablate, traces, fit)
        else:
            needed = tuple(kind for kind in Recipe().knowledge if any(policy.knows is kind for policy in asked))
            looks = not isinstance(traces, SweepTraces) and any(
                not policy.commits and policy.knows is Knowledge.OUTCOMES for policy in asked
            )
            if looks and source is None:
                _require_learners(traces, folds)
            forecasts = fit(Recipe(needed, reads=looks))
            entrants = [Entrant(policy.name, policy, forecasts) for policy in asked]
            if before is not None and ClearLambert.name in [policy.name for policy in asked]:
                plain = fit(Recipe((Knowledge.THRESHOLDS,), reads=False), None)
                entrants.insert(0, Entrant(WITHOUT_PAST, get_policy(ClearLambert.name), plain))
        bar.restart(steps, note="replaying")
        results = [
            compare(
                traces,
                entrants,
                streams=tuple(samplers),
                budgets=costs,
                accounting=accounting,
                seeds=seeds,
                folds=folds,
                tale=rival,
                jobs=jobs,
                advance=bar.advance,
            )
            for accounting in accountings
        ]
    return results, entrants[0].forecasts


def forced_said(sweep: SweepTraces, *, online: bool, tale: str | None) -> str:
    """How a sweep is benched, a sentence.

    Raises:
        InputError: What is wanted needs replies.
    """
    if online or tale is not None:
        option = "--online" if online else "--tale"
        raise InputError(f"{option} replays replies, and {sweep.name} is a budget sweep, which has none; leave it out.")
    budgets = ", ".join(f"{budget:,}" for budget in sweep.budgets.tolist())
    return (
        f"{sweep.name} is a budget sweep at {budgets} tokens: a question that may use t tokens is right as often as "
        "was measured at the largest budget up to t, runs until it is stopped, and pays for what it ran."
    )


def _both_said(result: BenchResult) -> list[str]:
    """What the best of ours closes, of the distance from the paper's method with the same past and without one."""
    told = []
    for policy in ("index", "expected"):
        same, less = result.closed(policy), result.closed(policy, WITHOUT_PAST)
        if same is not None and less is not None:
            told.append(
                f"{policy} closes {same:.0%} of the distance to the oracle from {ClearLambert.name} with the same "
                f"past, {less:.0%} from {ClearLambert.name} without one."
            )
    return told


def _require_learners(traces: Traces, folds: int) -> None:
    """Refuse traces of which a fold leaves fewer questions than policies that look at replies learn from."""
    different = len(set(traces.questions))
    if different - -(-different // folds) < _LEARNERS:
        raise InputError(
            f"{traces.name} holds {different} different questions, too few to learn from some and bench the others; "
            f"give {2 * _LEARNERS} or more, and 200 to tell policies apart."
        )


def print_tables(results: list[BenchResult]) -> None:
    """Print each result."""
    console = out()
    for number, result in enumerate(results):
        if number:
            console.print()
        print_bench(result, console)
        if WITHOUT_PAST in result.measured:
            for said in _both_said(result):
                console.print(said, highlight=False)
    if caution := results[0].caution:
        say(caution)
    elif min(results[0].stream_sizes) < STREAM_SIZE:
        say(
            f"Streams of fewer than {STREAM_SIZE} queries: {results[0].traces}, or a part of it (a tier, or a third), "
            "is too small for more."
        )


def accountings(name: str) -> list[Accounting]:
    """What an option says is charged.

    Raises:
        InputError: It says neither.
    """
    if name == "both":
        return list(Accounting)
    if name not in set(Accounting):
        raise no_such("accounting", name, Accounting, more=" or both")
    return [Accounting(name)]
