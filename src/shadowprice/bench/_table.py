"""The table as people read it in a terminal."""

from rich import box
from rich.table import Table
from rich.text import Text

from shadowprice.bench._result import BenchResult

_CELL = 6
"""Characters of one cell, wide enough for `100.0` and a blank."""


def render_table(result: BenchResult, streams: tuple[str, ...] | None = None) -> Table:
    """Policies down, streams and budgets across, accuracy in percent; the best policy of each column is bold.

    The last column is the share of the distance from clear-lambert to the oracle that a policy closes, on all streams.

    Args:
        result: What to show.
        streams: Which streams, all if not given; a narrow terminal may want them in parts.
    """
    streams = streams or result.streams
    sizes = dict(zip(result.streams, result.stream_sizes, strict=True))
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        show_edge=False,
        title_justify="left",
        title_style="",
        caption_justify="left",
        caption_style="dim",
    )
    table.title = f"right answers in %, {result.accounting} tokens, {result.seeds} draws: {result.traces}"
    width = max(_CELL, *(len(str(budget)) + 1 for budget in result.budgets))
    budgets = "".join(f"{budget:>{width}}" for budget in result.budgets)
    table.add_column(Text("\npolicy"), no_wrap=True)
    for stream in streams:
        table.add_column(Text(f"{stream}, {sizes[stream]} queries\n{budgets}"), justify="right", no_wrap=True)
    table.add_column(Text("\nclosed"), justify="right", no_wrap=True)
    numbers = {policy: number for number, policy in enumerate(result.notes, 1)}
    for policy in result.policies:
        marked = f"{policy} ({numbers[policy]})" if policy in numbers else policy
        table.add_row(marked, *(_cells(result, policy, stream, width) for stream in streams), _closed(result, policy))
    table.caption = "\n".join(f" ({numbers[policy]}) {policy} {note}." for policy, note in result.notes.items())
    return table


def _closed(result: BenchResult, policy: str) -> str:
    share = result.closed(policy)
    return "–" if share is None else f"{round(100.0 * share)}%"


def _cells(result: BenchResult, policy: str, stream: str, width: int) -> Text:
    text = Text()
    if policy not in result.measured:
        return Text("".join(f"{'–':>{width}}" for _ in result.budgets))
    for budget in result.budgets:
        best = policy in result.best(stream, budget)
        text.append(f"{result.cell(policy, stream, budget).accuracy:>{width}.1f}", style="bold" if best else "")
    return text
