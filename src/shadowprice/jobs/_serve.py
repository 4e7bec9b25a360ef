"""A gateway in front of servers, for as long as somebody wants it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shadowprice._errors import EngineError, MissingExtraError, ShadowpriceError
from shadowprice._json import finite
from shadowprice.engines import identify
from shadowprice.gateway import Gateway, Keyhole, Log, Memory, Till, Upstream, Upstreams, WindowBudget, Worth
from shadowprice.jobs._step import Tell, log
from shadowprice.jobs.given import ServeOptions, get_predictor, no_better, read_window, without_features
from shadowprice.ledger import Ledger, copy_log, log_bytes
from shadowprice.online import AbstractForecaster, AbstractOnlineMarket, Finishing, OnlineMarket, Predicted

if TYPE_CHECKING:
    from shadowprice.beliefs import SavedPredictor

_KEEPS: Final = 60.0
"""Seconds after which what was learnt is kept again."""
_LOOKS: Final = 1.0
"""Seconds between two looks at the ledger's log."""
_LONG_LOG: Final = 64 << 20
"""Bytes."""
_FIRST_STEP: Final = 16
_STEPS: Final = 24
_AT_ONCE: Final = 4
"""Replies of the greatest length that one request may ask for; more of them are shorter."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a gateway's setup has found."""

    summary: dict[str, Any]
    """All of it, as ``shadowprice serve --check --json`` prints it."""

    def check(self) -> None:
        """Complain where no server can be reached.

        Raises:
            EngineError: It is so.
        """
        if not any(one["reached"] for one in self.summary["upstreams"]):
            raise EngineError("No server can be reached: start one, or correct its URL.")


def check_serving(options: ServeOptions) -> Looked:
    """Look whether a gateway could be served so: what ``shadowprice serve --check`` does. Costs no token.

    Raises:
        InputError: An option is not what it should be.
        LedgerError: The ledger cannot be written.
        MissingExtraError: The extra `gateway` is not installed.
    """
    _import_server()
    options.check()
    window = read_window(options.budget, options.price_per_million, options.carry)
    if options.predictor is not None and options.value == "finished":
        get_predictor(options.predictor)  # it is not asked, but named: it should be one
    said: list[str] = []
    if doubt := _doubt(options, _predictor(options, said.append)):
        said.append(doubt)
    with Ledger(options.ledger):
        pass
    upstreams = [_looked_at(Upstream(choice)) for choice in options.upstreams]
    remarks = said + [one["remark"] for one in upstreams if "remark" in one]
    found = {"budget": window.text, "tokens": window.tokens, "seconds": window.seconds, "carry": window.carry}
    return Looked(finite({**found, "ledger": str(options.ledger), "upstreams": upstreams, "remarks": remarks}))


def serve(options: ServeOptions, *, tell: Tell = log, ready: Callable[[str], object] = lambda url: None) -> None:
    """Serve a gateway until SIGTERM or Ctrl-C: what ``shadowprice serve`` does.

    Args:
        options: How it is set up.
        tell: Told what people should know, a sentence each.
        ready: Told the base URL once clients are taken.

    Raises:
        InputError: An option is not what it should be, or the place is taken.
        LedgerError: The ledger cannot be written.
        MissingExtraError: The extra `gateway` is not installed.
    """
    server = _import_server()
    options.check()
    window = read_window(options.budget, options.price_per_million, options.carry)
    place = server.listen(options.host, options.port)
    with place, Ledger(options.ledger, log_apart=True, caps_are_lost=True) as ledger:
        server.run(_serve(server, options, window, ledger, place, tell, ready))


async def _serve(
    server: Any,
    options: ServeOptions,
    window: WindowBudget,
    ledger: Ledger,
    place: Any,
    tell: Tell,
    ready: Callable[[str], object],
) -> None:
    written = Log(requests=options.log == "requests")
    upstreams = Upstreams([Upstream(choice) for choice in options.upstreams])
    await asyncio.gather(*(one.look() for one in upstreams.all))
    for one in upstreams.all:
        if one.failures:
            tell(f"{one.address.shown} cannot be reached yet; it is looked for again and again.")
        elif not one.models:
            tell(_lists_nothing(one))
    predictor = _predictor(options, tell)
    if doubt := _doubt(options, predictor):
        tell(doubt)
    tell("Loading what prices are found with; the first start on a machine compiles it, which takes a minute.")
    forecaster = _forecaster(options, predictor)
    market = _market(forecaster, window)
    memory = Memory(Path(options.ledger), market, forecaster, written.tell)
    memory.load()
    till = Till(ledger, market, window, tell=written.tell)
    gateway = Gateway(
        till,
        upstreams,
        Worth(forecaster, options.max_tokens),
        keyhole=Keyhole(options.key, options.tenant),
        log=written,
        most_body=options.max_body,
        timeout=options.timeout,
        stall=options.stall,
        thinking=options.thinking,
    )
    if till.window.recovered:
        tell(f"{till.window.recovered} replies were under way when an earlier gateway died; what they held is charged.")

    if till.window.budget > round(window.tokens * (1.0 + window.carry)):
        tell(f"This window began with {till.window.budget:,} tokens and keeps them; {window.tokens:,} hold after it.")

    def begun(url: str) -> None:
        tell(
            f"Serving {url}: {window.tokens:,} tokens in {window.seconds:g} s, {till.left:,} of them left now; "
            f"books in {options.ledger}."
        )
        if options.key is None and not options.tenant and options.host not in ("127.0.0.1", "localhost", "::1"):
            tell("No key is asked for: whoever reaches this address spends the budget. See --key-file.")
        ready(url)

    beside = [asyncio.create_task(_keep(memory)), asyncio.create_task(_copy(ledger.place))]
    try:
        with server.few_pauses():
            await server.serve(gateway, place, drain=options.drain, ready=begun)
    finally:
        for task in beside:
            task.cancel()
        till.close()
        memory.save()
        written.flush()


async def _keep(memory: Memory) -> None:
    while True:
        await asyncio.sleep(_KEEPS)
        await memory.keep()


async def _copy(place: Path) -> None:
    """Copy the ledger's log into it when it is long, beside the work."""
    while True:
        await asyncio.sleep(_LOOKS)
        if log_bytes(place) > _LONG_LOG:
            with suppress(ShadowpriceError):  # what is wrong with the ledger, whoever writes it hears
                await asyncio.to_thread(copy_log, place)


def _predictor(options: ServeOptions, tell: Tell) -> "SavedPredictor | None":
    """By which requests are priced, if one does that."""
    if options.predictor is None or options.value == "finished":
        return None
    return without_features(get_predictor(options.predictor), tell).saved


def _forecaster(options: ServeOptions, predictor: "SavedPredictor | None") -> AbstractForecaster:
    if predictor is not None:
        return Predicted(predictor.predictor, predictor.running)
    grid = np.unique(
        np.round(np.geomspace(_FIRST_STEP, max(_FIRST_STEP, _AT_ONCE * options.max_tokens), _STEPS)).astype(int)
    )
    return Finishing(grid)


def _market(forecaster: AbstractForecaster, window: WindowBudget) -> AbstractOnlineMarket:
    start = window.start(time.time())
    return OnlineMarket(forecaster.grid, window.tokens, length=window.seconds, start=start, carry=window.carry)


def _looked_at(upstream: Upstream) -> dict[str, Any]:
    """What a server says of itself, or why it cannot be reached."""
    found: dict[str, Any] = {"url": upstream.address.shown, "on_leave": upstream.on_leave}
    try:
        server = identify(upstream.address)
    except EngineError as error:
        return {**found, "reached": False, "why": str(error)}
    upstream.identified(server)
    told = {"server": server.software, "version": server.version, "dialect": upstream.dialect.name}
    remark = {} if server.models else {"remark": _lists_nothing(upstream)}
    return {**found, "reached": True, **told, "models": list(server.models), **remark}


def _lists_nothing(upstream: Upstream) -> str:
    return f"{upstream.address.shown} lists no models: check its URL, which usually ends in /v1."


def _doubt(options: ServeOptions, predictor: "SavedPredictor | None") -> str:
    """What a predictor's own figures say against it."""
    return "" if predictor is None else no_better(predictor.card, options.predictor, "leave --predictor out")


def _import_server() -> Any:
    try:
        from shadowprice.gateway import _server
    except ImportError as error:
        raise MissingExtraError("`shadowprice serve`", "gateway") from error
    return _server
