"""`shadowprice bench`: the table of policies × streams × budgets."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from shadowprice._errors import InputError
from shadowprice._places import Place, check_places
from shadowprice.cli import _names
from shadowprice.cli._options import command_line, out, parse_budgets, print_json, require_writable, say, split_list
from shadowprice.cli._parameters import BesideOption, EncoderOption, FeaturesOption, PastOption

if TYPE_CHECKING:
    from shadowprice.bench.traffic import TrafficResult
    from shadowprice.traces import Traces

_DAY: Final[dict[str, Any]] = {"days": ["easy-hard-burst"], "arrivals": 4000, "windows": 24}


def bench(
    traces: Annotated[str, typer.Argument(help="Parquet file of traces, a budget sweep, or `bundled`.")],
    streams: Annotated[
        str | None, typer.Option(help=f"Of {', '.join(_names.STREAMS)}; those that fit if left out.")
    ] = None,
    budgets: Annotated[
        str | None,
        typer.Option(help="Mean tokens per query, separated by commas; four that fit the traces if left out."),
    ] = None,
    policies: Annotated[str | None, typer.Option(help=f"Of {', '.join(_names.POLICIES)}; all if left out.")] = None,
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
        str | None, typer.Option(help=f"Vary one thing instead of the policy: {', '.join(_names.ABLATIONS)}.")
    ] = None,
    learn_from: Annotated[
        str | None,
        typer.Option(help="Traces of another model to learn beliefs from, for transfer; held-out questions stay out."),
    ] = None,
    online: Annotated[
        bool,
        typer.Option("--online", help="A second table: a day of live traffic of the same replies, see replay-traffic."),
    ] = False,
    encoder: EncoderOption = None,
    features: FeaturesOption = None,
    past: PastOption = None,
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
      shadowprice bench traces.parquet --online
      shadowprice bench traces.parquet --ablate noise
      shadowprice bench small.parquet --learn-from large.parquet
      shadowprice bench mine.parquet --beside llama.parquet --beside qwen.parquet --encoder smollm2
      shadowprice bench traces.parquet --features vectors.npz
      shadowprice bench mine.parquet --past llama.parquet --past qwen.parquet
    """
    from shadowprice._atomic import write_whole
    from shadowprice.bench import AS_RECORDED, write_report
    from shadowprice.cli._bench_job import accountings, bench_traces, forced_said, print_tables
    from shadowprice.cli._replay_job import print_days
    from shadowprice.jobs.given import past_places
    from shadowprice.traces import ESTIMATED, SweepTraces, read_recorded

    kept = None if json_file is None or str(json_file) == "-" else json_file
    read: dict[str, Place] = {f"--beside ({number})": other for number, other in enumerate(beside or (), 1)}
    read |= {"TRACES": traces, "--tale": tale, "--learn-from": learn_from, "--features": features}
    read |= past_places(past or ())
    check_places({"--json": kept, "--report": report}, read)
    for path in (kept, report):
        require_writable(path)
    recorded = read_recorded(traces)
    if recorded.strata != recorded.tiers:
        say(
            f"{traces} has no tiers: {AS_RECORDED} is its questions as they are. Other streams mix thirds of them by "
            "what happened: how often replies were right, then how long they are."
        )
    if ESTIMATED in recorded.token_unit:
        say(f"The log had no token counts: {traces} counts tokens of {recorded.token_unit}, and so do all budgets.")
    if isinstance(recorded, SweepTraces):
        say(forced_said(recorded, online=online, tale=tale))
    if ablate is not None and policies:
        raise InputError("An ablation chooses its own policies; leave out --policies.")
    results, forecasts = bench_traces(
        recorded,
        streams=split_list(streams),
        budgets=parse_budgets(budgets),
        policies=split_list(policies),
        accountings=accountings(accounting),
        seeds=seeds,
        folds=folds,
        tale=tale,
        ablate=ablate,
        source=None if learn_from is None else read_recorded(learn_from),
        others=[read_recorded(other) for other in beside or ()],
        encoder=encoder,
        features=features,
        past=past or (),
        jobs=jobs,
    )
    days = _days(recorded) if online else None
    if report is not None:
        write_report(results, command_line(), report, traces=recorded, forecasts=forecasts)
        say(f"Report written to {report}.")
    tables = [result.to_json() for result in results]
    data: object = tables[0] if len(tables) == 1 else tables
    if days is not None:
        data = {"bench": data, "online": days.to_json()}
    if json_file is not None and kept is None:
        print_json(data)
        return
    if kept is not None:
        with write_whole(kept) as partial:
            partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print_tables(results)
    if days is not None:
        out().print()
        print_days(days)
    if kept is not None:
        say(f"Result written to {kept}.")


def _days(traces: "Traces") -> "TrafficResult":
    """A usual day of live traffic at three budgets."""
    from shadowprice.cli._replay_job import play_days

    return play_days(traces, shares=[0.15, 0.3, 0.6], policies=(), seeds=1, carry=0.0, **_DAY)
