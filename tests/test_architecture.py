"""docs/architecture.md is true: every folder is in it, and every name that it takes from the code is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "shadowprice"
NAMES = sorted(set(re.findall(r"`((?:[a-z]+\.)(?:[A-Za-z_]+\.)?[A-Za-z_]+)`", PAGE)) - {"answers.jsonl", "mine.csv"})


def folders(place: Path) -> set[str]:
    return {path.parent.name for path in place.glob("*/__init__.py")}


@pytest.mark.parametrize("place", ["", "pricing", "beliefs", "jobs"])
def test_every_folder_has_its_sentence(place: str) -> None:
    named = set(re.findall(r"`([a-z]+)`", PAGE))
    assert folders(PACKAGE / place) - {"data"} <= named


@pytest.mark.parametrize("name", NAMES)
def test_names_are_there(name: str) -> None:
    module, *path = name.split(".")
    found = importlib.import_module(f"shadowprice.{module}")
    for part in path:
        found = getattr(found, part)


def test_names_are_found() -> None:
    assert len(NAMES) > 20
