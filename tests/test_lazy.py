"""What takes long to import is imported by those who need it."""

import subprocess
import sys
from importlib import import_module

import pytest

import shadowprice
from shadowprice import beliefs, bench, jobs

SLOW = {"sklearn", "scipy.stats", "matplotlib"}


@pytest.mark.parametrize("room", ["bench", "jobs", "policies", "runner", "traces", "cli._bench_job", "cli._run_tables"])
def test_whoever_learns_nothing_does_not_wait_for_what_learns(room: str) -> None:
    program = f"import shadowprice.{room}, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert f"shadowprice.{room}" in loaded
    assert set() == SLOW.intersection(loaded)


@pytest.mark.parametrize("package", [shadowprice, beliefs, bench, jobs])
def test_every_name_is_found(package: object) -> None:
    names = import_module(getattr(package, "__name__", "")).__all__
    assert len(names) > 10
    assert [] == [name for name in names if getattr(package, name, None) is None]
    with pytest.raises(AttributeError, match=r"^module 'shadowprice[.a-z]*' has no attribute 'no_such_name'$"):
        getattr(package, "no_such_name")  # noqa: B009  # mypy knows better
