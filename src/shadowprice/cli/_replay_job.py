"""What `shadowprice replay-traffic` does once all is read: fits, plays days, and prints."""

from collections.abc import Sequence

from shadowprice.beliefs import check_folds
from shadowprice.bench import Recipe, kept_forecast
from shadowprice.bench.traffic import (
    BATCH,
    FIXED,
    ONLINE,
    TrafficResult,
    check_traffic,
    compare_traffic,
)
from shadowprice.cli._options import out, say
from shadowprice.cli._progress import progress_bar
from shadowprice.cli._tables import Column, print_table, words
from shadowprice.traces import Traces


def play_days(
    traces: Traces,
    *,
    days: Sequence[str],
    shares: Sequence[float],
    policies: Sequence[str],
    seeds: int,
    arrivals: int,
    windows: int,
    carry: float,
) -> TrafficResult:
    """Cross-fit beliefs once, and play every day with every policy."""
    # What is wrong with the question should not wait for the fit.
    _, _, chosen = check_traffic(traces, days, shares, policies, carry)
    check_folds(traces.evidence)
    recipe = Recipe()  # all that `bench` and `demo` make as well, so that it is fitted once
    with progress_bar("replay-traffic", None, note="fitting beliefs") as bar:
        bar.expect(recipe.steps)
        outlook = kept_forecast(traces, recipe, advance=bar.advance).outlook
        assert outlook is not None
        bar.restart(len(days) * len(shares) * seeds * len(chosen), note="playing days")
        return compare_traffic(
            traces,
            outlook,
            days=days,
            shares=shares,
            seeds=range(seeds),
            arrivals=arrivals,
            windows=windows,
            policies=chosen,
            carry=carry,
            advance=bar.advance,
        )


def print_days(result: TrafficResult) -> None:
    """A table for each day and budget."""
    console = out()
    columns: list[Column | str] = [
        words("policy"),
        "right",
        "% of fixed",
        "% of batch",
        "regret",
        "used, %",
        "limit, %",
    ]
    names = list(dict.fromkeys(play.policy for play in result.plays))
    places = list(dict.fromkeys((play.day, play.share) for play in result.plays))
    draws = len({play.seed for play in result.plays})
    console.print(f"right answers, {draws} {'day' if draws == 1 else 'days'} of each kind: {result.traces}")
    for day, share in places:
        console.print()
        rows = [result.row(name, day, share) for name in names]
        title = (
            f"{day}, {result.arrivals:,} queries in {result.windows} windows of {rows[0]['tokens']:,.0f} tokens "
            f"({100.0 * share:g} %)"
        )
        fields = ("right", "of_fixed", "of_batch", "regret", "used", "limited")
        digits = (0, 1, 1, 0, 1, 1)
        print_table(
            console,
            title,
            columns,
            [[row["policy"], *(_told(row[f], d) for f, d in zip(fields, digits, strict=True))] for row in rows],
        )
    if over := max((play.served.over for play in result.plays if play.served is not None), default=0):
        say(f"A window's budget was exceeded by {over} tokens; that must not be: please report it.")
    if FIXED in names and ONLINE in names:
        gain = 100.0 * float(result.against(ONLINE, FIXED).mean()) - 100.0
        known = f", and {100.0 * float(result.against(ONLINE, BATCH).mean()):.1f} % of the batch market's"
        say(
            f"{ONLINE} got {abs(gain):.1f} % {'more' if gain >= 0.0 else 'fewer'} right answers than the best fixed "
            f"price in hindsight{known if BATCH in names else ''}."
        )


def _told(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"
