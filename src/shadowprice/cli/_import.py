"""`shadowprice import`: traces from logs that other tools wrote."""

from pathlib import Path
from typing import Annotated

import typer

from shadowprice._places import check_places
from shadowprice.cli import _names
from shadowprice.cli._options import print_json, require_writable, say
from shadowprice.cli._parameters import AllowCode

_MIB = 2**20


def import_(
    logs: Annotated[list[Path], typer.Argument(help="Logs of one model; several become one file.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Parquet file of traces to write.")],
    format: Annotated[
        str | None, typer.Option(help=f"Of {', '.join(_names.LOGS)}; told from each file's content if left out.")
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
    from shadowprice.cli._import_told import asked_by_id, summarise, tell
    from shadowprice.cli._progress import progress_bar
    from shadowprice.jobs.given import admission, parse_columns
    from shadowprice.traces import ImportSettings, import_logs, write_sweeps, write_traces

    read = {f"LOGS ({number} of {len(logs)})": log for number, log in enumerate(logs, 1)}
    check_places({"--output": output}, {**read, "--questions": questions})
    require_writable(output)
    admit = admission(grader, allow_code=allow_code, tell=say)
    settings = ImportSettings(
        grader=grader,
        admit=admit,
        metric=metric,
        filter=filter,
        columns=parse_columns(columns, "question=NAME,reply=NAME,gold=NAME"),
        model=model,
        dataset=dataset,
        chars_per_token=chars_per_token,
        questions=asked_by_id(questions, grader, admit),
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
    summary = summarise(imported, output)
    if as_json:
        print_json(summary)
    else:
        tell(imported, summary)
