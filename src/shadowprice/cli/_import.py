"""`shadowprice import`: traces from logs that other tools wrote."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pyarrow.compute as pc
import typer
from rich.table import Table

from shadowprice._places import check_places
from shadowprice.cli._columns import parse_columns
from shadowprice.cli._graders import AllowCode, admission, read_asked
from shadowprice.cli._options import print_json, progress_bar, require_writable, say
from shadowprice.cli._terminal import Terminal
from shadowprice.tasks import settle_graders
from shadowprice.traces import (
    FORMATS,
    AskedQuestion,
    Imported,
    ImportSettings,
    import_logs,
    write_sweeps,
    write_traces,
)

_MIB = 2**20
_WIDTH = 160
_ALIKE = {
    False: "No reply is right, so there is nothing to learn and nothing to compare: give logs of an easier task, or "
    "look whether the verdicts are what they should be.",
    True: "All replies are right, so what can be learnt is how long answers take, not which questions are worth it.",
}
"""What verdicts tell that are all alike."""


def import_(
    logs: Annotated[list[Path], typer.Argument(help="Logs of one model; several become one file.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Parquet file of traces to write.")],
    format: Annotated[
        str | None, typer.Option(help=f"Of {', '.join(FORMATS)}; told from each file's content if left out.")
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="Questions file with texts, reference answers and graders, by query id.")
    ] = None,
    grader: Annotated[
        str | None, typer.Option(help="Grade every reply anew, for example exact; the log's verdict if left out.")
    ] = None,
    allow_code: AllowCode = False,
    metric: Annotated[str | None, typer.Option(help="Score that is the verdict, where a log has several.")] = None,
    filter: Annotated[str | None, typer.Option(help="Filter of lm-evaluation-harness to take.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Columns of a table, as question=prompt,reply=text,gold=target or correct=…,tokens=…"),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model, in place of the logs'.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Name of the data set, in place of the logs'.")] = None,
    chars_per_token: Annotated[float, typer.Option(help="Characters per token, where a log has no counts.")] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Make traces from logs that you already have.

    Reads logs of inspect_ai (.eval, .json), samples of lm-evaluation-harness, batch output of OpenAI, Anthropic and
    Gemini with its input, results of ZeroEval, budget sweeps (CSV or Parquet) and traces. A budget sweep becomes a
    file of its own kind. Any other JSONL, CSV or Parquet file with a reply per row is read by its columns.

    Examples:
      shadowprice import logs/*.eval -o traces.parquet
      shadowprice import samples_gsm8k_*.jsonl --filter flexible-extract -o traces.parquet
      shadowprice import batch_output.jsonl batch_input.jsonl --grader exact -o traces.parquet
      shadowprice import mine.csv --columns question=prompt,reply=text,correct=ok -o traces.parquet
      shadowprice import sweep.csv -o sweep.parquet --json
    """
    read = {f"LOGS ({number} of {len(logs)})": log for number, log in enumerate(logs, 1)}
    check_places({"--output": output}, {**read, "--questions": questions})
    require_writable(output)
    admit = admission(grader, allow_code=allow_code)
    settings = ImportSettings(
        grader=grader,
        admit=admit,
        metric=metric,
        filter=filter,
        columns=parse_columns(columns, "question=NAME,reply=NAME,gold=NAME"),
        model=model,
        dataset=dataset,
        chars_per_token=chars_per_token,
        questions=_asked(questions, grader, admit),
    )
    size = sum(log.stat().st_size for log in logs if log.is_file())
    with progress_bar("importing MiB", max(1, round(size / _MIB))) as bar:
        rows = 0

        def progress(read: int, taken: int) -> None:
            nonlocal rows
            rows += taken
            bar.advance(read / _MIB, note=f"{rows} rows")

        imported = import_logs(logs, settings, format=format, progress=progress)
    (write_sweeps if imported.kind == "sweep" else write_traces)(imported.table, output)
    summary = _summary(imported, output)
    if as_json:
        print_json(summary)
    else:
        _tell(imported, summary)


def _asked(path: Path | None, grader: str | None, admit: Callable[[str], None]) -> dict[str, AskedQuestion]:
    if path is None:
        return {}
    return {
        one.query_id: AskedQuestion(one.question, one.gold, one.grader, one.entry, one.family or one.dataset, one.tier)
        for one in settle_graders(read_asked(path, None, admit=admit, tell=say), grader, say)
    }


def _summary(imported: Imported, output: Path) -> dict[str, Any]:
    table = imported.table
    counts = {"budgets": pc.count_distinct(table["budget"]).as_py()} if imported.kind == "sweep" else {}
    if imported.kind == "traces":
        counts["tokens"] = pc.sum(table["completion_tokens"]).as_py()
        counts["tokens_estimated"] = sum(log.estimated for log in imported.logs)
    samples = pc.sum(table["samples"]).as_py() if imported.kind == "sweep" else table.num_rows
    return {
        "output": str(output),
        "kind": imported.kind,
        "questions": pc.count_distinct(table["query_id"]).as_py(),
        "replies": samples,
        "right": pc.sum(table["correct"]).as_py(),
        **counts,
        "logs": [
            {
                "path": str(log.path),
                "format": log.format,
                "imported": log.imported,
                "skipped": log.skipped,
                "tokens_estimated": log.estimated,
                "notes": list(log.notes),
            }
            for log in imported.logs
        ],
    }


def _tell(imported: Imported, summary: dict[str, Any]) -> None:
    """Say what was taken, what was left out and why, on stderr."""
    table = Table(box=None, pad_edge=False)
    for name in ("log", "format", "imported", "skipped", "why, and what was assumed"):
        table.add_column(name, justify="right" if name in ("imported", "skipped") else "left", overflow="fold")
    for log in imported.logs:
        notes = [("", note) for note in log.notes]
        if log.estimated:
            notes.append(("", f"token counts of {log.estimated} replies are estimates, see --chars-per-token"))
        left_out = [(str(count), reason) for reason, count in log.skipped.items()]
        first, *others = left_out + notes if left_out else [("0", notes[0][1] if notes else ""), *notes[1:]]
        table.add_row(log.path.name, log.format, str(log.imported), *first)
        for other in others:
            table.add_row("", "", "", *other)
    width = None if sys.stderr.isatty() else _WIDTH
    Terminal(stderr=True, width=width).print(table)
    share = summary["right"] / summary["replies"]
    say(
        f"{summary['replies']} replies to {summary['questions']} questions, {share:.0%} right, "
        f"written to {summary['output']}."
    )
    if summary["right"] in (0, summary["replies"]):
        say(_ALIKE[bool(summary["right"])])
