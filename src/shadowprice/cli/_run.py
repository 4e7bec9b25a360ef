"""`shadowprice run`: answer questions for real, inside a budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowprice._errors import InputError, no_such
from shadowprice.cli._options import MOST_SEED, command_line, print_json, say
from shadowprice.cli._parameters import (
    Again,
    AllowCode,
    Bare,
    Budget,
    Columns,
    Engine,
    FeaturesOption,
    Floor,
    Grader,
    Minimum,
    Model,
    PastOption,
    PricePerMillion,
    Questions,
    Stall,
    System,
    Temperature,
    Template,
    Timeout,
    Weights,
)

if TYPE_CHECKING:
    from shadowprice.runner import End


def run(
    questions: Questions,
    budget: Budget,
    output: Annotated[Path, typer.Option("-o", "--output", help="JSONL file to write, OpenAI Batch output.")],
    price_per_million: PricePerMillion = None,
    predictor: Annotated[
        Path | None,
        typer.Option(help="Predictor file from `shadowprice fit`. Without one, a tenth of the budget explores."),
    ] = None,
    features: FeaturesOption = None,
    past: PastOption = None,
    learn: Annotated[
        float,
        typer.Option(
            "--explore",
            help="Share of the budget to learn with where there is no predictor or it does not fit, 0 to 0.1.",
        ),
    ] = 0.1,
    policy: Annotated[
        str | None,
        typer.Option(
            help="How to spend: index (the default; clear-lambert for predictors of thresholds), expected, "
            "clear-lambert, predictor, uniform or tale-ep."
        ),
    ] = None,
    columns: Columns = None,
    grader: Grader = None,
    allow_code: AllowCode = False,
    system: System = None,
    template: Template = None,
    bare: Bare = False,
    floor: Floor = 0,
    weights: Weights = None,
    minimum: Minimum = 0,
    engine: Engine = "llamacpp",
    model: Model = None,
    temperature: Temperature = 0.0,
    seed: Annotated[
        int, typer.Option(min=0, max=MOST_SEED, help="Seed of the samplers and of the order of questions.")
    ] = 0,
    concurrency: Annotated[int, typer.Option(help="Replies generated at the same time.")] = 16,
    max_tokens: Annotated[int | None, typer.Option(help="Hard cap on each reply, tokens.")] = None,
    thinking: Annotated[int | None, typer.Option(help="Cap on reasoning tokens, for servers that have one.")] = None,
    effort: Annotated[str | None, typer.Option(help="Reasoning effort, for models that can be told.")] = None,
    end: Annotated[
        str,
        typer.Option(
            help="What becomes of a reply that is stopped: abandon (it stays as it is), answer (its thinking is closed "
            "and it is asked for its answer), fallback (another model is asked)."
        ),
    ] = "abandon",
    end_tokens: Annotated[int, typer.Option(help="Tokens kept for that, for each reply that runs.")] = 16,
    fallback: Annotated[str | None, typer.Option(help="Engine to fall back to: llamacpp, or a URL.")] = None,
    fallback_model: Annotated[str | None, typer.Option(help="Its model.")] = None,
    retries: Again = 5,
    timeout: Timeout = 600.0,
    stall: Stall = 120.0,
    overshoot: Annotated[
        int | None,
        typer.Option(
            help="Tokens to allow for what a server makes after it was told to stop; 4, or 2 on this machine."
        ),
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", help="Send every step as a cap and go on with the text, for servers that hand tokens out late."
        ),
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option(help="Ledger file; OUTPUT.ledger if not given. Processes that name one share it.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the ledger, or join it.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write an HTML report; with --resume also of a run that has ended.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Answer questions inside a shared token budget.

    Every question gets what it is worth at one price, is stopped when going on is no longer worth it, and is abandoned
    if it costs more than it returns; the output says so with the price. Tokens generated never exceed the budget.

    Every token is reserved in a ledger before it is asked for. Ctrl-C lets running replies end, a second one stops
    them; after that, or a crash, the same command with --resume goes on and asks nothing twice that was answered.

    Examples:
      shadowprice run questions.jsonl --predictor smollm2.shadow --budget 4k -o answers.jsonl
      shadowprice run questions.jsonl --budget 40k -o answers.jsonl --resume
      shadowprice run questions.jsonl --budget 60k -o answers.jsonl --resume      (topped up by 20k)
      shadowprice run questions.jsonl --budget 60k -o answers.jsonl --resume --report run.html
      shadowprice run questions.jsonl --budget '$5' --price-per-million 0.4 -o answers.jsonl
      shadowprice run mine.csv --columns question=prompt,gold=answer --budget 40k -o answers.jsonl
      shadowprice run questions.jsonl --policy uniform --budget 4k -o uniform.jsonl --json
      shadowprice run questions.jsonl --predictor p.shadow --budget 4k --weights value -o a.jsonl
      shadowprice run q.jsonl --predictor p.shadow --budget 9k -o a.jsonl --engine http://host:8000 --end answer
      shadowprice run q.jsonl --budget 9k -o a.jsonl --system "Be brief." --template message.jinja
    """
    from shadowprice.cli._asking import read_asking, system_file
    from shadowprice.cli._progress import bars
    from shadowprice.cli._run_tables import print_summary
    from shadowprice.cli._signals import listen
    from shadowprice.engines import EngineChoice
    from shadowprice.jobs import QuestionOptions, TermOptions
    from shadowprice.jobs import run as run_job
    from shadowprice.jobs.given import check_run_files, past_places
    from shadowprice.ledger import without_secrets
    from shadowprice.runner import Retries, RunSettings

    if concurrency < 1:
        raise InputError(f"--concurrency is {concurrency}; it must be 1 or more.")
    source = EngineChoice(engine, model, timeout, stall, overshoot)
    second = None if fallback is None else EngineChoice(fallback, fallback_model, timeout, stall, overshoot)
    check_run_files(
        output,
        ledger,
        report,
        questions=questions,
        predictor=predictor,
        features=features,
        **past_places(past or ()),
        model=source.file,
        fallback_model=None if second is None else second.file,
        system=system_file(system),
        template=template,
    )
    ran = run_job(
        questions,
        budget=budget,
        price_per_million=price_per_million,
        engine=source,
        fallback=second,
        predictor=predictor,
        features=features,
        past=past or (),
        policy=policy,
        explore=learn,
        reading=QuestionOptions(columns, grader, allow_code),
        asking=read_asking(system, template, bare=bare),
        terms=TermOptions(floor, weights, minimum),
        settings=RunSettings(
            temperature=temperature,
            seed=seed,
            concurrency=concurrency,
            max_tokens=max_tokens,
            thinking_tokens=thinking,
            effort=effort,  # type: ignore[arg-type]  # checked there
            exact=exact,
            end=_read_end(end),
            end_tokens=end_tokens,
            retries=Retries(retries),
        ),
        output=output,
        ledger=ledger,
        resume=resume,
        report=report,
        tell=say,
        progress=bars(),
        begun=listen,
        check=False,  # what it has come to is shown first
        command=without_secrets(command_line()),
    )
    if as_json:
        print_json(ran.summary)
    else:
        print_summary(ran.summary)
    if not ran.finished:
        say("Not all questions are settled; go on with the same command and --resume.")
        raise KeyboardInterrupt
    ran.check()


def _read_end(name: str) -> "End":
    from shadowprice.runner import End

    try:
        return End(name)
    except ValueError:
        raise no_such("end", name, End) from None
