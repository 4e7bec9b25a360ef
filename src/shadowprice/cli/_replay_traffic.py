"""`shadowprice replay-traffic`: the market of live traffic over a day of recorded replies, without a server."""

import json
from pathlib import Path
from typing import Annotated

import typer

from shadowprice._errors import InputError
from shadowprice._places import check_places
from shadowprice.cli import _names
from shadowprice.cli._options import print_json, require_writable, say, split_list


def replay_traffic(
    traces: Annotated[str, typer.Argument(help="Parquet file of traces, or `bundled`.")],
    day: Annotated[
        str, typer.Option(help=f"Of {', '.join(_names.DAYS)}; several separated by commas, or all.")
    ] = "easy-hard-burst",
    budget: Annotated[
        str,
        typer.Option(help="Of a window, as a share of what its replies take that nobody stops: 30%, or 15%,30%,60%."),
    ] = "30%",
    policies: Annotated[str | None, typer.Option(help=f"Of {', '.join(_names.ENTRANTS)}; all if left out.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=10_000, help="Days of each kind.")] = 1,
    arrivals: Annotated[int, typer.Option(min=1, max=1_000_000, help="Queries of a day.")] = 4000,
    windows: Annotated[int, typer.Option(min=1, max=10_000, help="Windows of a day, an hour each.")] = 24,
    carry: Annotated[
        str, typer.Option(help="What may be carried over to the next window, as a share of the budget: 10%.")
    ] = "0%",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result as JSON; - prints it.")] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Draw the first day: price, right answers and budgets used (.svg, .png or .pdf)."),
    ] = None,
) -> None:
    """Let the market of live traffic spend a day's budgets on recorded replies.

    Queries come one after another, and each window has a budget of its own that is never exceeded. The price is set as
    by `shadowprice serve`, by the same code. Beside it stand simpler rules, and two that know what nobody can know: the
    best fixed price in hindsight, and a batch market that is told at the start of each window who will come.

    Beliefs are cross-fitted, as in `bench`: no question is priced by a predictor that has seen it.

    Days:
      stationary       as many an hour all day, as hard all day
      easy-hard        easy, hard, easy again
      burst            five times as many for two hours
      easy-hard-burst  both
      drift            ever more, and ever harder
      spikes           six minutes of twelve times as many, every two hours or so
      silence          nobody for eight hours
      burst-20         twenty times as many for half an hour

    Examples:
      shadowprice replay-traffic bundled
      shadowprice replay-traffic traces.parquet --day easy-hard-burst --budget 30% --plot day.svg
      shadowprice replay-traffic traces.parquet --day all --budget 15%,30%,60% --seeds 3 --json days.json
    """
    from shadowprice._atomic import write_whole
    from shadowprice.bench import check_plot_name
    from shadowprice.bench.traffic import write_traffic_plot
    from shadowprice.cli._replay_job import play_days, print_days
    from shadowprice.traces import read_traces

    kept = None if json_file is None or str(json_file) == "-" else json_file
    check_places({"--json": kept, "--plot": plot}, {"TRACES": traces})
    if plot is not None:
        check_plot_name(plot)
    for path in (kept, plot):
        require_writable(path)
    days = list(_names.DAYS) if day.strip() == "all" else split_list(day)
    result = play_days(
        read_traces(traces),
        days=days,
        shares=[_share("--budget", part) for part in split_list(budget)],
        policies=split_list(policies),
        seeds=seeds,
        arrivals=arrivals,
        windows=windows,
        carry=_share("--carry", carry),
    )
    if plot is not None:
        write_traffic_plot(result, plot)
        say(f"Plot written to {plot}.")
    if kept is not None:
        with write_whole(kept) as partial:
            partial.write_text(json.dumps(result.to_json(), indent=1) + "\n", encoding="utf-8")
        say(f"Result written to {kept}.")
    elif json_file is not None:
        print_json(result.to_json())
        return
    print_days(result)


def _share(option: str, text: str) -> float:
    """A share from percent.

    Raises:
        InputError: It is none.
    """
    number = text.strip().removesuffix("%").strip()
    if not text.strip().endswith("%") or not number.replace(".", "", 1).isdecimal():
        raise InputError(f"{option} is a share in percent, such as 30%, not '{text[:40]}'.")
    return float(number) / 100.0
