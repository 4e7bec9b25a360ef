"""`shadowprice serve`: live traffic inside a budget."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowprice.cli._options import out, print_json, say
from shadowprice.cli._parameters import PricePerMillion
from shadowprice.cli._signals import end_on_sigterm

if TYPE_CHECKING:
    from shadowprice.jobs import Looked


def serve(
    upstream: Annotated[
        list[str] | None,
        typer.Option(
            help="URL of an OpenAI-compatible server; vllm+http://… names the dialect. Several share the load."
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="Generated tokens in a time (2M/h, 500k/d, 40k/15min), or money ('$5/h', with --price-per-million)."
        ),
    ] = None,
    price_per_million: PricePerMillion = None,
    carry: Annotated[
        float | None, typer.Option(help="Share of the budget that may be carried over into the next window, 0 to 1.")
    ] = None,
    predictor: Annotated[
        Path | None,
        typer.Option(help="Predictor file from `shadowprice fit`: pays for right answers. Without, for whole ones."),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(help="What is paid for: finished (a whole reply) or right (a right answer, with a predictor)."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file with these options, by name; what is given here goes first."),
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Cap on each reply, tokens, also where a request asks for more. [8192]")
    ] = None,
    thinking: Annotated[int | None, typer.Option(help="Cap on reasoning tokens, for servers that have one.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to serve at. [127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve at; 0 takes a free one. [8100]")] = None,
    key: Annotated[
        str | None,
        typer.Option(help="What clients must send. Others on this machine can read it here: use --key-file."),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="File that holds it; else SHADOWPRICE_GATEWAY_KEY may. Without a key, anybody.")
    ] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="Ledger file. Gateways on one machine that name one share it. [serve.ledger]")
    ] = None,
    on_leave: Annotated[
        str | None,
        typer.Option(help="What becomes of a reply whose client has left: abort (it is stopped) or drain. [abort]"),
    ] = None,
    overshoot: Annotated[
        int | None,
        typer.Option(
            help="Tokens to allow for what a server makes after it was told to stop; 4, or 2 on this machine."
        ),
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds for a whole reply of a server. [600]")] = None,
    stall: Annotated[float | None, typer.Option(help="Seconds to wait for each piece of it. [120]")] = None,
    drain: Annotated[
        float | None, typer.Option(help="Seconds that replies under way get to end after SIGTERM. [30]")
    ] = None,
    max_body: Annotated[int | None, typer.Option(help="Bytes of a request, at most. [8388608]")] = None,
    log: Annotated[
        str | None,
        typer.Option(help="requests (a JSON line on stderr for each) or events (of all alike). [requests]"),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only look whether all is in order and which servers answer; no tokens.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what --check finds as JSON.")] = False,
) -> None:
    """Serve OpenAI's API in front of your servers, inside a token budget.

    Clients need another base URL and nothing else. Requests that are worth less than their tokens cost now are refused
    with 429, and a reply is stopped when going on is not worth it. The budget of a window is never exceeded: every
    token is reserved in the ledger before it is asked for, and `shadowprice ledger show` reads it meanwhile.

    The servers' key is read from SHADOWPRICE_UPSTREAM_KEY, SHADOWPRICE_API_KEY or OPENAI_API_KEY; where there is none,
    and clients need no key here, theirs is passed on. SIGTERM or Ctrl-C lets nothing new in, and lets replies end.

    Examples:
      shadowprice serve --upstream http://localhost:8000 --budget 2M/h
      shadowprice serve --upstream http://a:8000 --upstream http://b:8000 --budget 500k/d --carry 0.1
      shadowprice serve --upstream https://api.openai.com --budget '$5/h' --price-per-million 0.4
      shadowprice serve --config serve.toml --check --json
    """
    end_on_sigterm()  # until it serves, and lets replies end
    from shadowprice.jobs import check_serving
    from shadowprice.jobs import serve as serve_job
    from shadowprice.jobs.given import read_serving

    given = {
        "upstream": tuple(upstream or ()),
        "budget": budget,
        "price_per_million": price_per_million,
        "carry": carry,
        "predictor": predictor,
        "value": value,
        "max_tokens": max_tokens,
        "thinking": thinking,
        "host": host,
        "port": port,
        "key": key,
        "ledger": ledger,
        "on_leave": on_leave,
        "overshoot": overshoot,
        "timeout": timeout,
        "stall": stall,
        "drain": drain,
        "max_body": max_body,
        "log": log,
    }
    options = read_serving(config, given, key_file)
    if not check:
        serve_job(options, tell=say)
        return
    looked = check_serving(options)
    if as_json:
        print_json(looked.summary)
    else:
        _print(looked)
    looked.check()


def _print(looked: "Looked") -> None:
    from shadowprice.cli._tables import print_table, words

    found = looked.summary
    out().print(f"Budget: {found['tokens']:,} tokens in {found['seconds']:g} s; books in {found['ledger']}.")
    rows = [
        [
            one["url"],
            one.get("server", "-"),
            one.get("dialect", "-"),
            ", ".join(one.get("models", ())[:3]) or "-",
            "yes" if one["reached"] else "no",
        ]
        for one in found["upstreams"]
    ]
    print_table(out(), "", [words(name) for name in ("upstream", "server", "dialect", "models", "answers?")], rows)
    for one in found["upstreams"]:
        if not one["reached"]:
            say(one["why"])
    for remark in found["remarks"]:
        say(remark)
