import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module, metadata
from itertools import chain
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import pytest

import shadowprice
from shadowprice.policies import get_planner
from shadowprice.traces import read_traces

PACKAGES = [
    "shadowprice",
    *(f"shadowprice.{module.name}" for module in iter_modules(shadowprice.__path__) if module.ispkg),
]


def sort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: the order of ruff's RUF022."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("package", PACKAGES)
def test_exported_names_are_sorted_and_exist(package: str) -> None:
    module = import_module(package)
    names = list(getattr(module, "__all__", []))
    assert names == sorted(set(names), key=sort_key)
    assert [] == [name for name in names if not hasattr(module, name)]
    assert [] == [name for name in names if name not in dir(module)]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'shadowprice' has no attribute 'nonsense'"):
        shadowprice.nonsense  # noqa: B018


def test_importing_the_library_imports_nothing_heavy() -> None:
    heavy = ("numpy", "numba", "sklearn", "pyarrow", "matplotlib", "typer", "pydantic")
    program = f"import sys, shadowprice; print([name for name in {heavy} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]\n" == ended.stdout


def test_printed_objects_say_their_size_and_not_their_numbers() -> None:
    beliefs = shadowprice.Beliefs.certain(np.full(5000, 40.0))
    problem = shadowprice.Problem(beliefs.curve, 1000)
    plan = get_planner("uniform").plan(beliefs, 10_000)
    traces = read_traces("bundled")
    told = [repr(one) for one in (beliefs, beliefs.curve, problem, plan, traces.evidence, traces)]
    assert "Beliefs(5,000 queries)" == told[0]
    assert "ShiftedSurge(5,000 queries)" == told[1]
    assert "Problem(ShiftedSurge(5,000 queries), budget=1,000)" == told[2]
    assert "Plan(10,000 tokens for 5,000 of 5,000 queries, price=nan)" == told[3]
    assert max(map(len, [*told, repr(shadowprice.solve(problem))])) < 160


def canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def test_only_declared_packages_are_imported() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = chain(project["dependencies"], *project["optional-dependencies"].values())
    declared = {canonical(re.split(r"[^\w.-]", need)[0]) for need in needs}
    distributions = metadata.packages_distributions()
    imported = set()
    for file in Path(shadowprice.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"shadowprice"}
    # An extra that is not installed has no distribution to ask; its import name is then taken for the package's.
    needed = {name: {canonical(one) for one in distributions.get(name, [name])} for name in foreign}
    assert {} == {name: owners for name, owners in needed.items() if not owners & declared}
