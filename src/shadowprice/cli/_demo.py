"""`shadowprice demo`: the main job on the bundled traces."""

from pathlib import Path
from typing import Annotated

import typer

from shadowprice._places import check_places
from shadowprice.cli._options import require_writable, say


def demo(
    report: Annotated[Path, typer.Option(help="HTML report to write.")] = Path("report.html"),
    seeds: Annotated[int, typer.Option(max=1_000_000, help="Draws of each stream.")] = 4,
) -> None:
    """Spend the same budgets in several ways on recorded replies of a small model, and compare.

    The traces are inside the package: SmolLM2-135M-Instruct on reasoning-gym tasks, four replies to each question.

    Examples:
      shadowprice demo
      shadowprice demo --report /tmp/report.html --seeds 20
    """
    from shadowprice.bench import write_report
    from shadowprice.cli._bench_job import bench_traces, print_tables
    from shadowprice.traces import BUNDLED, Accounting, read_traces

    check_places({"--report": report}, {})
    require_writable(report)
    traces = read_traces(BUNDLED)
    say(
        f"{len(traces.query)} recorded replies of {traces.table['model'][0].as_py()} to {traces.n_queries} questions, "
        f"{traces.pass_rate.mean():.0%} right. Budgets are tokens per query."
    )
    results, forecasts = bench_traces(
        traces, streams=[], budgets=[], policies=[], accountings=list(Accounting), seeds=seeds
    )
    print_tables(results)
    command = f"shadowprice demo --report {report} --seeds {seeds}"
    write_report(results, command, report, traces=traces, forecasts=forecasts)
    say(f"Report: {report.resolve()}")
