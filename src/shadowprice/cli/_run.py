"""`shadowprice run`: answer questions for real, inside a budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowprice._errors import InputError
from shadowprice.cli._options import MOST_SEED, print_json, require_writable, say
from shadowprice.cli._parameters import (
    AllowCode,
    Bare,
    Budget,
    Columns,
    Floor,
    Grader,
    Minimum,
    PricePerMillion,
    Questions,
    System,
    Template,
    Weights,
)

if TYPE_CHECKING:
    from shadowprice.cli._run_job import Job


def run(
    questions: Questions,
    budget: Budget,
    output: Annotated[Path, typer.Option("-o", "--output", help="JSONL file to write, OpenAI Batch output.")],
    price_per_million: PricePerMillion = None,
    predictor: Annotated[
        Path | None,
        typer.Option(help="Predictor file from `shadowprice fit`. Without one, a tenth of the budget explores."),
    ] = None,
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
    engine: Annotated[str, typer.Option(help="llamacpp, or the URL of an OpenAI-compatible server.")] = "llamacpp",
    model: Annotated[
        str | None,
        typer.Option(help="A pulled model or a GGUF file (smollm2 if not given); the server's name for it with a URL."),
    ] = None,
    temperature: Annotated[float, typer.Option(help="Sampling temperature; 0 is greedy.")] = 0.0,
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
    retries: Annotated[int, typer.Option(help="Times to ask again after failures that may pass.")] = 5,
    timeout: Annotated[float, typer.Option(help="Seconds for a whole reply of a server.")] = 600.0,
    stall: Annotated[float, typer.Option(help="Seconds to wait for each piece of a server's reply.")] = 120.0,
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
    import asyncio
    from contextlib import AsyncExitStack

    from shadowprice.beliefs import read_predictor
    from shadowprice.cli._asking import read_asking, show_asking, system_file
    from shadowprice.cli._budget import read_budget
    from shadowprice.cli._doubts import say_doubts
    from shadowprice.cli._engines import open_engine
    from shadowprice.cli._files import check_run_files, model_file
    from shadowprice.cli._graders import read_to_grade, say_all
    from shadowprice.cli._policies import LEARNT, choose_live_policy, predict, read_terms
    from shadowprice.cli._run_books import fingerprint_of, open_books
    from shadowprice.cli._run_display import display, print_summary, summarise
    from shadowprice.cli._run_end import chosen_end, complain, report_of, write_what_there_is
    from shadowprice.cli._run_job import Job
    from shadowprice.runner import MOST_EXPLORED, Reason, Retries, RunSettings, check_questions, write_results

    wish = read_budget(budget, price_per_million)
    if not 0.0 <= learn <= MOST_EXPLORED:
        raise InputError(f"--explore is {learn}; it must be from 0 to {MOST_EXPLORED}.")
    if concurrency < 1:
        raise InputError(f"--concurrency is {concurrency}; it must be 1 or more.")
    check_run_files(
        output,
        ledger,
        report,
        questions=questions,
        predictor=predictor,
        model=model_file(model, engine),
        fallback_model=model_file(fallback_model, fallback),
        system=system_file(system),
        template=template,
    )
    asking = read_asking(system, template, bare=bare)
    remarks: list[str] = []
    given = read_to_grade(
        questions, grader, allow_code=allow_code, columns=columns, weights=weights, tell=remarks.append
    )
    asked = asking.ask_all(given)
    check_questions(asked)  # before anything is opened that an earlier run has left
    terms = read_terms(questions, len(asked), floor, weights, minimum)
    settings = RunSettings(
        temperature=temperature,
        seed=seed,
        concurrency=concurrency,
        max_tokens=max_tokens,
        thinking_tokens=thinking,
        effort=effort,  # type: ignore[arg-type]  # checked there
        exact=exact,
        end=chosen_end(end, fallback),
        end_tokens=end_tokens,
        retries=Retries(retries),
    )
    if output.is_dir() or not output.parent.is_dir():
        raise InputError(f"Cannot write {output}: give a file name in a folder that exists.")
    require_writable(report)
    saved = None if predictor is None else read_predictor(predictor)
    known = predict(saved.predictor, asked) if saved is not None and wish.needs_beliefs else None
    tokens = wish.tokens(len(asked), known)
    chosen = choose_live_policy(policy, saved)
    choices = settings.choices() | {
        "policy": chosen.name,
        "predictor": None if predictor is None else fingerprint_of(predictor),
        "terms": [floor, weights, minimum],
        "explore": learn,
        "asking": asking.options,
    }

    async def work() -> "Job":
        async with AsyncExitStack() as stack:
            # An engine that cannot be had leaves no ledger behind.
            source = await stack.enter_async_context(
                open_engine(engine, model, concurrency, timeout=timeout, stall=stall, overshoot=overshoot)
            )
            second = None
            if fallback is not None:
                second = await stack.enter_async_context(
                    open_engine(
                        fallback, fallback_model, concurrency, timeout=timeout, stall=stall, overshoot=overshoot
                    )
                )
            say_all(remarks)
            made = choices | {"model": source.model}
            books = stack.enter_context(open_books(ledger, output, asked, tokens, made, resume=resume))
            # Only now, so that what is refused is refused in one sentence.
            show_asking(asking, given)
            say(wish.said(tokens, len(asked), known))
            if saved is not None and predictor is not None and chosen.knows in LEARNT:
                instead = "leave --predictor out, so that a tenth of the budget explores, or record and fit your own"
                say_doubts(saved, predictor, given, asking, instead, temperature)
            shown = stack.enter_context(display(tokens, len(asked)))
            job = Job(asked, tokens, terms, chosen, saved, settings, learn, books, shown)
            try:
                await job.work(source, second)
            except BaseException:
                write_what_there_is(job, source.model, output, wish, report)
                raise
            write_results(job.results, source.model, output)
            if not any(result.reason is Reason.INTERRUPTED for result in job.results):
                books.ledger.finish()
            report_of(job, wish, report)
            return job

    job = asyncio.run(work())
    summary = summarise(
        job.results,
        tokens,
        chosen.name,
        job.price,
        output,
        job.books.path,
        **job.more,
        **wish.spent(job.more.get("spent", 0)),
    )
    if as_json:
        print_json(summary)
    else:
        print_summary(summary)
    complain(job.results, tokens)
