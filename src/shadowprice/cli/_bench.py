"""`shadowprice bench`: the table of policies × streams × budgets."""

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError, no_such
from shadowprice._places import Place, check_places
from shadowprice.beliefs import check_folds
from shadowprice.bench import (
    ABLATIONS,
    AS_RECORDED,
    STREAM_SIZE,
    STREAMS,
    BenchResult,
    Entrant,
    Forecasts,
    Recipe,
    ablation,
    check_bench,
    compare,
    kept_forecast,
    render_table,
    write_report,
)
from shadowprice.cli._encoders import BesideOption, EncoderOption, choose_encoder, questions_of, read_once
from shadowprice.cli._options import out, parse_budgets, print_json, progress_bar, require_writable, say, split_list
from shadowprice.policies import POLICIES, Knowledge, get_policy
from shadowprice.traces import BUNDLED, BUNDLED_TALE, ESTIMATED, Accounting, Traces, read_traces

_LEARNERS = 2
"""Questions that beliefs about replies on the way are learnt from, at least."""
_FEW_DRAWS = 8
"""So few draws are over before further processes have started."""


def bench(
    traces: Annotated[str, typer.Argument(help="Parquet file of traces, or `bundled`.")],
    streams: Annotated[str | None, typer.Option(help=f"Of {', '.join(STREAMS)}; those that fit if left out.")] = None,
    budgets: Annotated[
        str | None,
        typer.Option(help="Mean tokens per query, separated by commas; four that fit the traces if left out."),
    ] = None,
    policies: Annotated[str | None, typer.Option(help=f"Of {', '.join(POLICIES)}; all if left out.")] = None,
    seeds: Annotated[int, typer.Option(max=1_000_000, help="Draws of each stream.")] = 20,
    folds: Annotated[int, typer.Option(help="Folds of the cross-fitted beliefs.")] = 2,
    accounting: Annotated[
        str,
        typer.Option(help="What is charged: allocated (the paper's), generated (what is really paid), or both."),
    ] = "allocated",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result as JSON; - prints it.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report.")] = None,
    tale: Annotated[
        str | None,
        typer.Option(help="Traces of the same questions recorded with --protocol tale-ep, for the policy tale-ep."),
    ] = None,
    ablate: Annotated[
        str | None, typer.Option(help=f"Vary one thing instead of the policy: {', '.join(ABLATIONS)}.")
    ] = None,
    learn_from: Annotated[
        str | None,
        typer.Option(help="Traces of another model to learn beliefs from, for transfer; held-out questions stay out."),
    ] = None,
    encoder: EncoderOption = None,
    beside: BesideOption = None,
    jobs: Annotated[
        int, typer.Option(min=0, max=1024, help="Processes; 0 takes one per CPU where there is enough to do.")
    ] = 0,
) -> None:
    """Replay recorded replies through every policy.

    Beliefs are cross-fitted, so no question is priced by a predictor that has seen it. They are fitted once and kept
    in the cache folder (or SHADOWPRICE_CACHE) until the traces or the code change.

    Examples:
      shadowprice bench bundled
      shadowprice bench traces.parquet --budgets 64,128,256 --policies uniform,clear-lambert --json table.json
      shadowprice bench bundled --accounting both --report report.html
      shadowprice bench traces.parquet --ablate noise
      shadowprice bench small.parquet --learn-from large.parquet
      shadowprice bench mine.parquet --beside llama.parquet --beside qwen.parquet --encoder smollm2
    """
    kept = None if json_file is None or str(json_file) == "-" else json_file
    read: dict[str, Place] = {f"--beside ({number})": other for number, other in enumerate(beside or (), 1)}
    read |= {"TRACES": traces, "--tale": tale, "--learn-from": learn_from}
    check_places({"--json": kept, "--report": report}, read)
    for path in (kept, report):
        require_writable(path)
    recorded = read_traces(traces)
    if recorded.strata != recorded.tiers:
        say(
            f"{traces} has no tiers: {AS_RECORDED} is its questions as they are. Other streams mix thirds of them by "
            "what happened: how often replies were right, then how long they are."
        )
    if ESTIMATED in recorded.token_unit:
        say(f"The log had no token counts: {traces} counts tokens of {recorded.token_unit}, and so do all budgets.")
    if ablate is not None and policies:
        raise InputError("An ablation chooses its own policies; leave out --policies.")
    results, forecasts = bench_traces(
        recorded,
        streams=split_list(streams),
        budgets=parse_budgets(budgets),
        policies=split_list(policies),
        accountings=_accountings(accounting),
        seeds=seeds,
        folds=folds,
        tale=tale,
        ablate=ablate,
        source=None if learn_from is None else read_traces(learn_from),
        others=[read_traces(other) for other in beside or ()],
        encoder=encoder,
        jobs=jobs,
    )
    if report is not None:
        command = shlex.join(["shadowprice", *sys.argv[1:]])
        write_report(results, command, report, traces=recorded, forecasts=forecasts)
        say(f"Report written to {report}.")
    tables = [result.to_json() for result in results]
    data = tables[0] if len(tables) == 1 else tables
    if json_file is None:
        print_tables(results)
    elif kept is None:
        print_json(data)
    else:
        with write_whole(kept) as partial:
            partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        print_tables(results)
        say(f"Result written to {kept}.")


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
    read_once(choose_encoder(encoder), questions_of([traces, *others]))
    steps = len(accountings) * seeds * len(samplers)
    with progress_bar("bench", None, note="fitting beliefs") as bar:

        def fit(recipe: Recipe) -> Forecasts:
            recipe = recipe._replace(folds=folds, encoder=encoder)
            return kept_forecast(traces, recipe, source=source, others=others, advance=bar.advance)

        if ablate is not None:
            entrants = ablation(ablate, traces, fit)
        else:
            needed = tuple(kind for kind in Recipe().knowledge if any(policy.knows is kind for policy in asked))
            looks = any(not policy.commits and policy.knows is Knowledge.OUTCOMES for policy in asked)
            if looks and source is None:
                _require_learners(traces, folds)
            forecasts = fit(Recipe(needed, reads=looks))
            entrants = [Entrant(policy.name, policy, forecasts) for policy in asked]
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
                jobs=jobs or (-1 if steps > _FEW_DRAWS else 1),
                advance=bar.advance,
            )
            for accounting in accountings
        ]
    return results, entrants[0].forecasts


def _require_learners(traces: Traces, folds: int) -> None:
    """Refuse traces of which a fold leaves fewer questions than policies that look at replies learn from."""
    different = len(set(traces.questions))
    if different - -(-different // folds) < _LEARNERS:
        raise InputError(
            f"{traces.name} holds {different} different questions, too few to learn from some and bench the others; "
            f"give {2 * _LEARNERS} or more, and 200 to tell policies apart."
        )


def print_tables(results: list[BenchResult]) -> None:
    """Print each result, in parts if the terminal is narrow."""
    console = out()
    for result in results:
        whole = render_table(result)
        if console.measure(whole).minimum <= console.width:
            console.print(whole)
        else:
            for stream in result.streams:
                console.print(render_table(result, (stream,)))
    if caution := results[0].caution:
        say(caution)
    elif min(results[0].stream_sizes) < STREAM_SIZE:
        say(
            f"Streams of fewer than {STREAM_SIZE} queries: {results[0].traces}, or a part of it (a tier, or a third), "
            "is too small for more."
        )


def _accountings(name: str) -> list[Accounting]:
    if name == "both":
        return list(Accounting)
    if name not in set(Accounting):
        raise no_such("accounting", name, Accounting, more=" or both")
    return [Accounting(name)]
