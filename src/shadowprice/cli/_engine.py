"""``shadowprice engine``: servers that generate tokens."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from shadowprice.cli._options import out, print_json, say

if TYPE_CHECKING:
    from shadowprice.engines import ProbeReport

app = typer.Typer(
    name="engine",
    help="Look at the servers that generate tokens.",
    no_args_is_help=True,
    epilog="Examples: `shadowprice engine probe http://localhost:8000`",
)


@app.callback()
def _engine() -> None:
    """Look at the servers that generate tokens."""  # makes `probe` a command of its own while it is the only one


@app.command(epilog="Example: `shadowprice engine probe http://localhost:8000/v1 --model my-model --json`")
def probe(
    url: Annotated[str, typer.Argument(help="Base URL of the server; vllm+http://… names the dialect.")],
    model: Annotated[str | None, typer.Option(help="The model's name there; not needed if there is only one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find out what a server obeys: caps, stop strings, seeds, usage, reasoning, closing.

    Costs some 60 tokens, 90 if the model reasons. The key is read from SHADOWPRICE_API_KEY or OPENAI_API_KEY.
    """
    import asyncio

    from shadowprice.cli._terminal import Terminal
    from shadowprice.engines import api_key, remember, split_url
    from shadowprice.engines import probe as probe_server

    dialect, address = split_url(url)
    with Terminal(stderr=True).status("Probing"):
        report = asyncio.run(probe_server(address, model, api_key=api_key(), dialect=dialect))
    path = remember(report)
    if as_json:
        print_json(asdict(report))
        return
    _print(report)
    say(f"Kept in {path}.")


def _print(report: "ProbeReport") -> None:
    from shadowprice.cli._tables import print_table, words

    name = f"{report.server} {report.version}" if report.version else report.server
    console = out()
    console.print(f"{report.url}: {name}, dialect {report.dialect}, model {report.model}")
    if len(report.models) > 1:
        console.print(f"It lists {len(report.models)} models: {', '.join(report.models)}")
    findings = [(finding.check, finding.verdict, finding.detail) for finding in report.findings]
    print_table(console, "", [words("check"), words("holds?"), words("what was seen")], findings)
    counted = {"usage": "running usage", "timings": "timings", "deltas": "the pieces that arrive"}
    by = counted[report.counted_by]
    if report.verdict("usage is reported") == "yes":
        by += ", and by usage at the end"
    console.print(f"Caps go into {report.cap}; tokens are counted by {by}.")
    console.print(f"The probe cost {report.tokens} tokens. Caps are enforced on this side too, whatever it found.")
