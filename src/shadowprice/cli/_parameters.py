"""Parameters that several commands share, apart from what they are for, so that help imports nothing else."""

from pathlib import Path
from typing import Annotated

import typer

Questions = Annotated[
    Path,
    typer.Argument(help="Questions: CSV, JSONL, JSON, Parquet, OpenAI Batch, a data set's folder or hf:OWNER/NAME."),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="Columns of the questions, as question=prompt,gold=answer,query_id=id; told from their names if left out.",
    ),
]
Budget = Annotated[
    str,
    typer.Option(
        help="For all questions together: tokens (4000, 4k, 1.5M), tokens a question (300/question), a share of what "
        "all replies would cost that nobody stops (30%), or money ('$5', with --price-per-million)."
    ),
]
PricePerMillion = Annotated[
    str | None, typer.Option(help="Price of a million generated tokens, in the currency of the budget.")
]
Grader = Annotated[
    str | None,
    typer.Option(
        help="Grade every question so, whatever its file says: number, exact, python:module:function. Without one, "
        "questions whose file names no grader get the one that their golds ask for."
    ),
]
AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Let graders that a file names run code, and `tests` the code of replies."),
]
Engine = Annotated[str, typer.Option(help="llamacpp, or the URL of an OpenAI-compatible server.")]
Model = Annotated[
    str | None,
    typer.Option(help="A pulled model or a GGUF file (smollm2 if not given); the server's name for it with a URL."),
]
Temperature = Annotated[float, typer.Option(help="Sampling temperature; 0 is greedy.")]
Again = Annotated[int, typer.Option(help="Times to ask again after failures that may pass.")]
Timeout = Annotated[float, typer.Option(help="Seconds for a whole reply of a server.")]
Stall = Annotated[float, typer.Option(help="Seconds to wait for each piece of a server's reply.")]
System = Annotated[str | None, typer.Option(help="A system message, or @FILE that holds one.")]
Template = Annotated[
    Path | None,
    typer.Option(help="Jinja file of the user's message: question, choices, instruction, grader and query_id."),
]
Bare = Annotated[
    bool, typer.Option("--no-instruction", help="Do not tell the model how to end its reply so that it can be read.")
]
Floor = Annotated[int, typer.Option(help="Tokens that every question is guaranteed, whatever they are worth.")]
Weights = Annotated[
    str | None, typer.Option(help="Numeric column of the questions file: what a right answer is worth; 1 if left out.")
]
Minimum = Annotated[int, typer.Option(help="Abandon nobody: tokens for a short answer to every question.")]
EncoderOption = Annotated[
    str | None,
    typer.Option(
        help="Read questions with a model as well: `smollm2` (the embedded model, pulled; a fifth of a second each) or "
        "`sentence` (a small one inside the extra `embed`)."
    ),
]
FeaturesOption = Annotated[
    Path | None,
    typer.Option(
        help="Vectors of the questions, by id or text (npz or Parquet): hidden states of the model that answers, "
        "embeddings; `shadowprice embed` makes some."
    ),
]
PastOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Earlier replies to the same questions, by other models or by this one before: traces, matched by text or "
        "id. May be given several times."
    ),
]
BesideOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Traces of another model: its replies too say which questions are hard. May be given several times."
    ),
]
Judge = Annotated[
    str | None,
    typer.Option(help="A model that says whether answers agree with the right ones: llamacpp, or a server's URL."),
]
JudgeModel = Annotated[str | None, typer.Option(help="Its model.")]
JudgeBudget = Annotated[str | None, typer.Option(help="Tokens that it may make in all: 4000, 4k. No end if left out.")]
JudgeTokens = Annotated[
    int, typer.Option(min=1, max=100_000, help="Tokens for each of its verdicts; more for models that think.")
]
