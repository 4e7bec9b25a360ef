"""`shadowprice embed`: vectors of questions, for `--features`."""

from pathlib import Path
from typing import Annotated

import typer

from shadowprice.cli._options import say
from shadowprice.cli._parameters import Columns


def embed(
    questions: Annotated[
        str, typer.Argument(help="Questions as `run` takes them; or traces or a budget sweep, or `bundled`.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Vectors to write: .npz or .parquet.")],
    encoder: Annotated[
        str,
        typer.Option(
            help="Who reads the questions: smollm2 (the embedded model's state after reading), sentence (extra "
            "`embed`), the URL of a server with /v1/embeddings, a GGUF file, a directory of transformers, or "
            "hub:OWNER/NAME (extra `transformers`)."
        ),
    ] = "smollm2",
    model: Annotated[str, typer.Option(help="The server's name for its model.")] = "",
    key_variable: Annotated[str | None, typer.Option(help="Environment variable that holds the server's key.")] = None,
    layers: Annotated[
        int | None, typer.Option(help="Of a GGUF file: after how many layers the state is read; all if left out.")
    ] = None,
    asked: Annotated[
        str,
        typer.Option(
            help="Of a GGUF file: what the model is asked of each question; its state at the last token is read then, "
            "and the mean over the question otherwise."
        ),
    ] = "",
    columns: Columns = None,
) -> None:
    """Let a model read questions, and keep vectors of them for --features.

    Vectors of the model that answers say most. They are matched with questions by text or id.

    Examples:
      shadowprice embed traces.parquet -o vectors.npz
      shadowprice embed questions.jsonl --encoder http://127.0.0.1:8080 -o vectors.parquet
      shadowprice embed mine.csv --encoder model.gguf --layers 18 --asked "How hard is this?" -o vectors.npz
      shadowprice fit traces.parquet --features vectors.npz -o p.shadow
    """
    from shadowprice.cli._progress import bars
    from shadowprice.jobs import QuestionOptions
    from shadowprice.jobs import embed as embed_job

    embed_job(
        questions,
        output=output,
        encoder=encoder,
        model=model,
        key_variable=key_variable,
        layers=layers,
        asked=asked,
        reading=QuestionOptions(columns),
        tell=say,
        progress=bars(),
    )
