"""A run with a budget of 100 tokens, and where they are: for tests of the ledger."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shadowprice.ledger import Ledger, Run


def open_run(ledger: Ledger, **changed: Any) -> Run:
    """Open or join the run; options may be changed."""
    asked: dict[str, Any] = {"budget": 100, "settings": {"policy": "uniform"}, "fingerprint": "f", "resume": True}
    return ledger.open_run(**(asked | changed))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "run.ledger"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """A new ledger, whose sums are checked at the end."""
    with Ledger(path) as ledger:
        yield ledger
        assert [] == ledger.check()


@pytest.fixture
def run(ledger: Ledger) -> Run:
    """The run in it."""
    return open_run(ledger)


def tokens(run: Run) -> tuple[int, int, int]:
    """Tokens spent, reserved and available."""
    totals = run.totals()
    return totals.spent, totals.reserved, totals.available
