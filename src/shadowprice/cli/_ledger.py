"""``shadowprice ledger``: what has been reserved and spent."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shadowprice._errors import LedgerError
from shadowprice._places import check_places
from shadowprice._text import shown
from shadowprice.cli._names import EXPORTS
from shadowprice.cli._options import out, print_json, say

if TYPE_CHECKING:
    from shadowprice.ledger import Outcome, RunInfo, Totals

app = typer.Typer(
    name="ledger",
    help="See what has been reserved and spent.",
    no_args_is_help=True,
    epilog="Examples: `shadowprice ledger show run.ledger`, `shadowprice ledger export run.ledger -o rows.jsonl`.",
)

_NEWEST = 10
_COUNTS = ("budget", "spent", "reserved", "ahead", "available", "overrun", "lost", "settled", "open")
_WIDTH = 60
_NAME = 20
_LEAST = 12
"""Characters of names, and of a payload, at least."""

File = Annotated[Path, typer.Argument(help="The ledger of a run.", metavar="FILE")]


@app.command(epilog="Example: `shadowprice ledger show run.ledger --json`")
def show(
    file: File,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show where the tokens of each run are, its newest rows, and whether the books are in order."""
    from shadowprice.ledger import Ledger

    with Ledger(file, read_only=True) as ledger:
        runs = [(run, ledger.totals(run.name), ledger.newest(run.name, _NEWEST)) for run in ledger.runs()]
        errors = ledger.check()
    if as_json:
        data = [_data(*run) for run in runs]
        print_json({"ledger": str(file), "consistent": not errors, "errors": errors, "runs": data})
    else:
        for run in runs:
            _print(*run)
        say(f"{file} holds {len(runs)} {'run' if len(runs) == 1 else 'runs'}; {'NOT ' if errors else ''}consistent.")
        for error in errors:
            say(f"  {error}")
    if errors:
        raise LedgerError(f"{file} is not consistent: {errors[0]}; keep a copy, and do not go on with it.")


@app.command(epilog="Example: `shadowprice ledger export run.ledger -o rows.parquet`")
def export(
    file: File,
    output: Annotated[Path, typer.Option("-o", "--output", help=f"File to write: {', '.join(EXPORTS)}.")],
    run: Annotated[str | None, typer.Option(help="Only this run.")] = None,
) -> None:
    """Write one row per request: its state, tokens, attempts, reason and payload."""
    from shadowprice.ledger import Ledger, export_requests, ledger_files

    check_places({"--output": output}, ledger_files("FILE", file))
    with Ledger(file, read_only=True) as ledger:
        rows = export_requests(ledger, output, run=run)
    say(f"{rows} rows written to {output}.")


def _data(run: "RunInfo", totals: "Totals", newest: "list[Outcome]") -> dict[str, Any]:
    counts = {**asdict(totals), "available": totals.available, "settled": totals.settled}
    return {**asdict(run), **counts, "newest": [asdict(outcome) for outcome in newest]}


def _print(run: "RunInfo", totals: "Totals", newest: "list[Outcome]") -> None:
    from shadowprice.cli._tables import GAP, Column, print_table, words

    title = f"run {_short(run.name)}, opened {run.opened}"
    print_table(out(), title, _COUNTS, [[str(getattr(totals, name)) for name in _COUNTS]])
    out().print(
        "  ".join(f"{_short(reason)}: {count}" for reason, count in totals.reasons.items()) or "no outcomes yet"
    )
    if not newest:
        return
    names = ("settled", "request", "reason", "tokens", "payload")
    rows = [
        [_short(cell, _NAME) for cell in (one.settled, one.request, one.reason, str(one.generated))] for one in newest
    ]
    # A line for each: what of the payload has no room is in --json, and in what `export` writes.
    taken = sum(max(map(len, column)) + GAP for column in zip(names, *rows, strict=False))
    for row, one in zip(rows, newest, strict=True):
        payload = ", ".join(f"{name} {value}" for name, value in one.payload.items())
        row.append(_short(payload, max(_LEAST, out().width - taken)))
    columns: list[Column | str] = [name if name == "tokens" else words(name) for name in names]
    print_table(out(), f"newest of {totals.settled}", columns, rows)


def _short(value: Any, width: int = _WIDTH) -> str:
    """One line of limited width."""
    text = shown(str(value))
    return text if len(text) <= width else text[: width - 1] + "…"
