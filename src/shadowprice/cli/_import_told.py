"""What `shadowprice import` says of the logs that it has read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from shadowprice.cli._options import say
from shadowprice.cli._tables import Column, print_table, words
from shadowprice.cli._terminal import Terminal
from shadowprice.jobs.given import read_asked
from shadowprice.tasks import settle_graders
from shadowprice.traces import AskedQuestion, Imported

_ALIKE: Final = {
    False: "No reply is right, so there is nothing to learn and nothing to compare: give logs of an easier task, or "
    "look whether the verdicts are what they should be.",
    True: "All replies are right, so what can be learnt is how long answers take, not which questions are worth it.",
}
"""What verdicts tell that are all alike."""


def asked_by_id(path: Path | None, grader: str | None, admit: Callable[[str], None]) -> dict[str, AskedQuestion]:
    """The questions of a file by their ids; none of no file."""
    if path is None:
        return {}
    return {
        one.query_id: AskedQuestion(
            one.question, one.gold, one.grader, one.entry, one.family or one.dataset, one.tier, one.choices
        )
        for one in settle_graders(read_asked(path, admit=admit, remark=say), grader, say)
    }


def summarise(imported: Imported, output: Path) -> dict[str, Any]:
    """An import in numbers."""
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


def tell(imported: Imported, summary: dict[str, Any]) -> None:
    """Say what was taken, what was left out and why, on stderr."""
    columns: list[Column | str] = [
        words("log"),
        words("format"),
        "imported",
        "skipped",
        words("why, and what was assumed"),
    ]
    rows = []
    for log in imported.logs:
        notes = [("", note) for note in log.notes]
        if log.estimated:
            notes.append(("", f"token counts of {log.estimated} replies are estimates, see --chars-per-token"))
        left_out = [(str(count), reason) for reason, count in log.skipped.items()]
        first, *others = left_out + notes if left_out else [("0", notes[0][1] if notes else ""), *notes[1:]]
        rows.append((log.path.name, log.format, str(log.imported), *first))
        rows += [("", "", "", *other) for other in others]
    print_table(Terminal(stderr=True), "", columns, rows)
    share = summary["right"] / summary["replies"]
    say(
        f"{summary['replies']} replies to {summary['questions']} questions, {share:.0%} right, "
        f"written to {summary['output']}."
    )
    if summary["right"] in (0, summary["replies"]):
        say(_ALIKE[bool(summary["right"])])
