"""What has been learnt from traffic, kept beside the ledger: a price that is warm after a restart."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice._json import parse_json
from shadowprice.online import AbstractForecaster, AbstractOnlineMarket

_SCHEMA: Final = 1
_MOST: Final = 64 << 20
"""Bytes."""


class Memory:
    """Reads and writes it. Losing it costs some tokens' worth, and nothing else.

    Args:
        ledger: The ledger's file.
        market: Who has learnt.
        forecaster: Who else has.
        tell: Told what happens, by a name and fields.
    """

    def __init__(
        self,
        ledger: Path,
        market: AbstractOnlineMarket,
        forecaster: AbstractForecaster,
        tell: Callable[..., None],
    ) -> None:
        self.path = ledger.with_name(f"{ledger.name}-market.json")
        self._market = market
        self._forecaster = forecaster
        self._tell = tell

    def load(self) -> bool:
        """Go on from what was kept; whether there was anything that could be used."""
        if not self.path.is_file() or self.path.stat().st_size > _MOST:
            return False
        try:
            state = self._read()
            self._check_time(state.get("market"))
            self._market.restore(state.get("market"))
            self._forecaster.restore(state.get("forecaster"))
        except (InputError, OSError) as error:
            self._tell("begins cold", why=str(error))
            return False
        return True

    def _read(self) -> dict[str, Any]:
        state = parse_json(self.path.read_bytes(), str(self.path), strict=True)
        if not isinstance(state, dict) or state.get("schema") != _SCHEMA:
            raise InputError(f"{self.path} is of another version; it is written anew.")
        return state

    def _check_time(self, market: Any) -> None:
        now = market.get("now") if isinstance(market, dict) else None
        if isinstance(now, int | float) and now >= self._market.window.end:  # time would stand still until then
            raise InputError(f"{self.path} is of a time that is yet to come; it is written anew.")

    def save(self) -> None:
        """Keep it."""
        self._write(self._learnt())

    async def keep(self) -> None:
        """Keep it, and wait for the disk elsewhere."""
        await asyncio.to_thread(self._write, self._learnt())

    def _learnt(self) -> str:
        return json.dumps(
            {"schema": _SCHEMA, "market": self._market.snapshot(), "forecaster": self._forecaster.snapshot()}
        )

    def _write(self, text: str) -> None:
        try:
            with write_whole(self.path) as partial:
                partial.write_text(text, encoding="utf-8")
        except (OSError, InputError) as error:
            self._tell("what was learnt cannot be kept", error=str(error))
