"""Opening the engine that the command line names."""

import os
import re
from dataclasses import replace

from shadowprice._errors import InputError
from shadowprice._named import make_named, names_object
from shadowprice.engines import (
    DIALECTS,
    AbstractEngine,
    LlamaCppEngine,
    OpenAIEngine,
    ServerAddress,
    choose_model,
    get_dialect,
    identify,
    recall,
)

ENGINES = ("llamacpp",)
KEYS = ("SHADOWPRICE_API_KEY", "OPENAI_API_KEY")
"""Environment variables that may hold the key of a server, in the order in which they are looked at."""
_PLAIN = re.compile("[A-Za-z.]{1,20}")
_DEFAULT_MODEL = "smollm2"


def open_engine(
    name: str,
    model: str | None,
    concurrency: int,
    *,
    timeout: float = 600.0,
    stall: float = 120.0,
    overshoot: int | None = None,
) -> AbstractEngine:
    """The engine of that name, with a model loaded, or the server at that URL, once it has answered.

    A name ``module:Class`` is an engine of the user's own: its class is called with the name of the model, if one is
    given.

    Raises:
        InputError: There is no such engine or model.
        EngineError: The server cannot be reached, or does not take the key.
    """
    if concurrency < 1:
        raise InputError(f"--concurrency is {concurrency}; it must be 1 or more.")
    if "://" in name:
        return _open_server(name, model, timeout, stall, overshoot)
    if names_object(name):
        made: AbstractEngine = make_named("engine", name, AbstractEngine, *([] if model is None else [model]))
        return made
    if name != "llamacpp":
        # What is no plain word is not repeated: it may be a URL with a password in it.
        named = f"There is no engine '{name}'" if _PLAIN.fullmatch(name) else "There is no such engine"
        raise InputError(
            f"{named}; choose from {', '.join(ENGINES)} (the model in this process), give the URL of a server as "
            "http://host:port/v1, or name a class of your own as module:Class."
        )
    return LlamaCppEngine(model or _DEFAULT_MODEL, parallel=concurrency)


def api_key() -> str | None:
    """The key of a server, from the environment."""
    return next((key for name in KEYS if (key := os.environ.get(name, "").strip())), None)


def split_url(url: str) -> tuple[str | None, str]:
    """The dialect that a URL names, if any, and the URL: ``vllm+http://host:8000/v1``."""
    dialect, plus, rest = url.partition("+")
    return (dialect, rest) if plus and dialect in DIALECTS and "://" in rest else (None, url)


def _open_server(name: str, model: str | None, timeout: float, stall: float, overshoot: int | None) -> OpenAIEngine:
    named, url = split_url(name)
    address = ServerAddress(url, api_key())
    server = identify(address)
    chosen = choose_model(server, address, model)
    probed = recall(address.shown, chosen)
    dialect = get_dialect(named or server.dialect or (probed.dialect if probed else "openai"))
    if probed is not None and probed.dialect == dialect.name:
        dialect = replace(dialect, cap=probed.cap)
    return OpenAIEngine(
        url,
        chosen,
        api_key=api_key(),
        dialect=dialect,
        timeout=timeout,
        stall=stall,
        counter=server.counter,
        overshoot=overshoot,
    )
