"""The engine that somebody names."""

import os
import re
from dataclasses import dataclass, replace
from typing import Final

from shadowprice._errors import InputError
from shadowprice._named import make_named, names_object
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._base import AbstractEngine
from shadowprice.engines._dialects import DIALECTS, get_dialect
from shadowprice.engines._identify import identify
from shadowprice.engines._llamacpp import LlamaCppEngine
from shadowprice.engines._openai import OpenAIEngine
from shadowprice.engines._probe import choose_model
from shadowprice.engines._probed import CONFIDENCE, recall

ENGINES: Final = ("llamacpp",)
KEYS: Final = ("SHADOWPRICE_API_KEY", "OPENAI_API_KEY")
"""Environment variables that may hold the key of a server, in the order in which they are looked at."""
_PLAIN: Final = re.compile("[A-Za-z.]{1,20}")
_DEFAULT_MODEL: Final = "smollm2"


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine by its name; where it is a server, by its URL.

    The key of a server is read from ``SHADOWPRICE_API_KEY`` or ``OPENAI_API_KEY``.
    """

    name: str = "llamacpp"
    """``llamacpp`` (a model in this process), the URL of a server that speaks as OpenAI's does, ``vllm+http://…`` to
    name its dialect, or ``module:Class``, an engine of your own that is called with the model, if one is given."""
    model: str | None = None
    """A pulled model or a GGUF file (smollm2 if not given); a server's name for it, not needed if it has only one."""
    timeout: float = 600.0
    """Seconds for a whole reply of a server."""
    stall: float = 120.0
    """Seconds to wait for each piece of a server's reply."""
    overshoot: int | None = None
    """Tokens to allow for what a server makes after it was told to stop; 4, or 2 on this machine."""

    @property
    def file(self) -> str | None:
        """What may be the file of a model; a server has a name for it instead."""
        return None if "://" in self.name else self.model

    def open(self, concurrency: int) -> AbstractEngine:
        """The engine with its model loaded, or the server, once it has answered.

        Args:
            concurrency: Replies that will be generated at the same time.

        Raises:
            InputError: There is no such engine or model.
            EngineError: The server cannot be reached, or does not take the key.
        """
        if concurrency < 1:
            raise InputError(f"--concurrency is {concurrency}; it must be 1 or more.")
        if "://" in self.name:
            return self._open_server()
        if names_object(self.name):
            arguments = [] if self.model is None else [self.model]
            made: AbstractEngine = make_named("engine", self.name, AbstractEngine, *arguments)
            return made
        if self.name != "llamacpp":
            # What is no plain word is not repeated: it may be a URL with a password in it.
            named = f"There is no engine '{self.name}'" if _PLAIN.fullmatch(self.name) else "There is no such engine"
            raise InputError(
                f"{named}; choose from {', '.join(ENGINES)} (the model in this process), give the URL of a server as "
                "http://host:port/v1, or name a class of your own as module:Class."
            )
        return LlamaCppEngine(self.model or _DEFAULT_MODEL, parallel=concurrency)

    def _open_server(self) -> OpenAIEngine:
        named, url = split_url(self.name)
        address = ServerAddress(url, api_key())
        server = identify(address)
        chosen = choose_model(server, address, self.model)
        probed = recall(address.shown, chosen)
        dialect = get_dialect(named or server.dialect or (probed.dialect if probed else "openai"))
        if probed is not None and probed.dialect == dialect.name:
            dialect = replace(dialect, cap=probed.cap)
        return OpenAIEngine(
            url,
            chosen,
            api_key=api_key(),
            dialect=dialect,
            timeout=self.timeout,
            stall=self.stall,
            counter=server.counter,
            overshoot=self.overshoot,
            confidence=probed is not None and probed.dialect == dialect.name and probed.verdict(CONFIDENCE) == "yes",
        )


def api_key() -> str | None:
    """The key of a server, from the environment."""
    return next((key for name in KEYS if (key := os.environ.get(name, "").strip())), None)


def split_url(url: str) -> tuple[str | None, str]:
    """The dialect that a URL names, if any, and the URL: ``vllm+http://host:8000/v1``."""
    dialect, plus, rest = url.partition("+")
    return (dialect, rest) if plus and dialect in DIALECTS and "://" in rest else (None, url)
