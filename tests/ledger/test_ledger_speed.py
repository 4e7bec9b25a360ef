"""How many requests a second the ledger keeps up with."""

import time
from pathlib import Path

import pytest

from shadowprice.ledger import Ledger

PAYLOAD = {"text": "word " * 100, "answer": "42", "correct": True, "price": 0.001}


ROUNDS, PAIRS = 3, 3000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("power_safe", "batch", "least"), [(False, 1, 3000), (False, 64, 3000), (True, 64, 1500)], ids=str
)
def test_reserves_and_settles_thousands_of_requests_a_second(
    tmp_path: Path, power_safe: bool, batch: int, least: int
) -> None:
    """The best of three rounds counts: others may use the machine as well."""
    best = 0.0
    with Ledger(tmp_path / "l", power_safe=power_safe) as ledger:
        run = ledger.open_run(budget=10**9, settings={}, fingerprint="f")
        for part in range(ROUNDS):
            begun = time.perf_counter()
            for start in range(0, PAIRS, batch):
                names = [f"{number * 7919 % PAIRS}/{part}" for number in range(start, min(PAIRS, start + batch))]
                with ledger.batch():
                    for name in names:
                        run.reserve(name, 300)
                with ledger.batch():
                    for name in names:
                        run.settle(name, 200, "finished", PAYLOAD)
            best = max(best, PAIRS / (time.perf_counter() - begun))
        print(f"{best:.0f} pairs of reserve and settle a second, {batch} a batch, power_safe={power_safe}")
        assert best > least
        assert 200 * ROUNDS * PAIRS == run.totals().spent
