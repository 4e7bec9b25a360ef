"""How a gateway is set up: options, and a TOML file of the same names."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal

from shadowprice._errors import InputError, no_such
from shadowprice.engines import api_key
from shadowprice.gateway import OnLeave, Tenant, UpstreamChoice

LogDetail = Literal["requests", "events"]
Value = Literal["finished", "right"]
_GATEWAY_KEY: Final = "SHADOWPRICE_GATEWAY_KEY"
_UPSTREAM_KEY: Final = "SHADOWPRICE_UPSTREAM_KEY"
_MOST_FILE: Final = 1 << 20
_LIGHTEST: Final = 0.001
_HEAVIEST: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How a gateway is set up. Names are those of the command's options, and of a file's fields with dashes."""

    upstream: tuple[str | UpstreamChoice, ...] = ()
    """Servers that generate, by URL; ``vllm+http://host:8000/v1`` names the dialect."""
    budget: str = ""
    """Tokens or money in a time: ``2M/h``, ``500k/d``, ``$5/h``."""
    price_per_million: str | None = None
    """Price of a million generated tokens, in the currency of the budget."""
    carry: float = 0.0
    """Share of the budget that may be carried over into the next window."""
    predictor: Path | None = None
    """Predictor file: what `value` is then by default."""
    value: Value | None = None
    """What is paid for: whole replies (`finished`), or right answers (`right`), which needs a predictor."""
    max_tokens: int = 8192
    """Tokens of a reply at most, for requests that ask for more or do not say."""
    thinking: int | None = None
    """Tokens of reasoning in a reply at most, for servers that can cap it."""
    host: str = "127.0.0.1"
    port: int = 8100
    key: str | None = field(default=None, repr=False)
    """What clients must send; None asks for nothing."""
    tenant: tuple[Tenant, ...] = ()
    """Those with a key of their own, and what their replies are worth beside others'."""
    ledger: Path = Path("serve.ledger")
    """The books."""
    on_leave: OnLeave = "abort"
    """What becomes of a reply whose client has left, at servers that say nothing of their own."""
    overshoot: int | None = None
    """Tokens to allow for what a server makes after it was told to stop."""
    timeout: float = 600.0
    """Seconds for a whole reply."""
    stall: float = 120.0
    """Seconds to wait for each piece of a reply."""
    drain: float = 30.0
    """Seconds that replies under way get to end after SIGTERM."""
    max_body: int = 8 << 20
    """Bytes of a request."""
    log: LogDetail = "requests"
    """Whether every request gets a line, or only what is about all of them."""

    def check(self) -> None:
        """Look at what can be wrong without asking anybody.

        Raises:
            InputError: Something is.
        """
        if not self.upstream:
            raise InputError("No server is named: say --upstream http://host:port/v1.")
        if not self.budget:
            raise InputError("No budget is named: say --budget 2M/h, for example.")
        for name, value, least in (("max-tokens", self.max_tokens, 1), ("max-body", self.max_body, 1024)):
            if value < least:
                raise InputError(f"--{name} is {value}; it must be {least} or more.")
        for name, seconds in (("timeout", self.timeout), ("stall", self.stall), ("drain", self.drain)):
            if not seconds >= 0 or (name != "drain" and seconds == 0):
                raise InputError(f"--{name} is {seconds:g}; it must be more than 0 seconds.")
        if self.thinking is not None and self.thinking < 0:
            raise InputError(f"--thinking is {self.thinking}; it must be 0 or more.")
        if not 0 <= self.port < 65_536:
            raise InputError(f"--port is {self.port}; it must be from 0 to 65535.")
        if self.log not in ("requests", "events"):
            raise no_such("log", self.log, ("requests", "events"))
        if self.value not in (None, "finished", "right"):
            raise no_such("value", str(self.value), ("finished", "right"))
        if self.value == "right" and self.predictor is None:
            raise InputError("--value right needs a predictor: say --predictor FILE, from `shadowprice fit`.")
        keys = [("gateway", self.key)] * (self.key is not None) + [(one.name, one.key) for one in self.tenant]
        for whose, key in keys:
            if not (key and key.isascii() and key.isprintable() and key.strip()):
                raise InputError(f"The key of {whose} holds what no HTTP header can carry: choose another one.")
        if len({key for _, key in keys}) < len(keys) or len({one.name for one in self.tenant}) < len(self.tenant):
            raise InputError("Two tenants have the same name or key: nobody could tell them apart; give each its own.")

    @property
    def upstreams(self) -> list[UpstreamChoice]:
        """The servers, with what is said of all of them."""
        own = os.environ.get(_UPSTREAM_KEY, "").strip() or api_key()
        return [
            UpstreamChoice(one, own, self.on_leave, self.overshoot)
            if isinstance(one, str)
            else replace(one, key=one.key or own)
            for one in self.upstream
        ]


def read_serving(file: Path | None, given: Mapping[str, Any], key_file: Path | None = None) -> ServeOptions:
    """Options: those that are given, else those of the file, else the usual ones.

    Args:
        file: TOML; None without one.
        given: By name; None is not given.
        key_file: What holds the key that clients must send; else the environment may, in SHADOWPRICE_GATEWAY_KEY.

    Raises:
        InputError: The file cannot be read, or a field of it is not what it should be.
    """
    written = {} if file is None else _read_file(file)
    found = written | {name: value for name, value in given.items() if value is not None and value != ()}
    if found.get("key") is None:
        found["key"] = _key_of(key_file) if key_file is not None else os.environ.get(_GATEWAY_KEY, "").strip() or None
    return ServeOptions(**found)


def _key_of(file: Path) -> str:
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {file}: {getattr(error, 'strerror', None) or 'it is no text'}.") from error
    if not key:
        raise InputError(f"{file} holds no key: it is empty.")
    return key


def _read_file(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MOST_FILE:
            raise InputError(f"{file} is larger than a file of options: name another one.")
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:  # TOML's own error is one
        raise InputError(f"{file} is no TOML ({str(error)[:200]}); correct it.") from error
    names = {one.name.replace("_", "-"): one for one in fields(ServeOptions) if one.name != "key"}
    found: dict[str, Any] = {}
    for name, value in data.items():
        if name == "key":
            raise InputError(f"{file}, field 'key': keys have no place in it; use {_GATEWAY_KEY} or --key-file.")
        if name not in names:
            raise no_such(f"field of {file}", name, names)
        found[names[name].name] = _checked(file, name, value)
    return found


def _checked(file: Path, name: str, value: Any) -> Any:
    """A field's value as the option has it."""
    kinds: dict[str, tuple[type, ...]] = {
        "carry": (int, float),
        "timeout": (int, float),
        "stall": (int, float),
        "drain": (int, float),
        "max-tokens": (int,),
        "thinking": (int,),
        "port": (int,),
        "overshoot": (int,),
        "max-body": (int,),
        "price-per-million": (str, int, float),
    }
    if name == "upstream":
        servers = value if isinstance(value, list) else [value]
        return tuple(_server(file, one) for one in servers)
    if name == "tenant":
        return tuple(_tenant(file, one) for one in (value if isinstance(value, list) else [value]))
    wanted = kinds.get(name, (str,))
    given: Any = value
    if not isinstance(value, wanted) or isinstance(value, bool):
        kind = 'a text, such as "2M/h"' if name == "budget" else "a text" if wanted == (str,) else "a number"
        raise InputError(f"{file}, field '{name}': {value!r:.40} is not {kind}; correct it.")
    if name == "price-per-million":
        return str(value)
    if name in ("predictor", "ledger"):
        return Path(given)
    return float(given) if float in wanted else given


def _server(file: Path, value: Any) -> str | UpstreamChoice:
    if isinstance(value, str):
        return value
    known = ("url", "key-env", "on-leave", "overshoot")
    if not isinstance(value, dict) or not isinstance(value.get("url"), str):
        raise InputError(f"{file}, field 'upstream': give URLs, or tables with a field 'url'.")
    for name in value:
        if name not in known:
            raise no_such(f"field of 'upstream' in {file}", name, known)
    key = _key_in(file, value["key-env"]) if "key-env" in value else None
    overshoot = value.get("overshoot")
    if overshoot is not None and (not isinstance(overshoot, int) or isinstance(overshoot, bool) or overshoot < 0):
        raise InputError(f"{file}, field 'overshoot': {overshoot!r:.40} is no number of tokens.")
    return UpstreamChoice(value["url"], key, value.get("on-leave", "abort"), overshoot)


def _tenant(file: Path, value: Any) -> Tenant:
    known = ("name", "key-env", "weight")
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or not value["name"].strip():
        raise InputError(f"{file}, field 'tenant': give tables with the fields 'name', 'key-env' and 'weight'.")
    for name in value:
        if name not in known:
            raise no_such(f"field of 'tenant' in {file}", name, known)
    weight = value.get("weight", 1.0)
    if not isinstance(weight, int | float) or isinstance(weight, bool) or not _LIGHTEST <= weight <= _HEAVIEST:
        raise InputError(f"{file}, field 'weight': {weight!r:.40} is no number from {_LIGHTEST:g} to {_HEAVIEST:g}.")
    return Tenant(value["name"].strip(), _key_in(file, value.get("key-env")), float(weight))


def _key_in(file: Path, variable: Any) -> str:
    """A key from the environment."""
    if variable is None:
        raise InputError(f"{file}, field 'key-env' is missing: name the environment variable that holds the key.")
    if not isinstance(variable, str) or not (key := os.environ.get(variable, "").strip()):
        raise InputError(f"{file}, field 'key-env': there is no environment variable {variable!r:.60} with a key.")
    return key
