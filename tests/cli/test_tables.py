"""Tables are whole at every width, in one style."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from shadowprice.cli._tables import Column, print_facts, print_table, words
from shadowprice.cli._terminal import Terminal

COLUMNS: list[Column | str] = [words("the reason"), "tokens", "right answers expected", words("what comes next")]
ROWS = [
    ("pays", "1,234,567", "0.123456", "another 4,000 buy 17.7 more right"),
    ("too dear at this price", "8", "–", "nothing"),
]


def printed(width: int, rows: Sequence[tuple[str, ...]] = ROWS, last: tuple[str, ...] | None = None) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True)
    print_table(console, "what is planned", COLUMNS, rows, last=last)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_table_that_fits_has_a_line_for_each_row() -> None:
    assert [
        "what is planned",
        "the reason                 tokens  right answers expected  what comes next",
        "─" * 92,
        "pays                    1,234,567                0.123456  another 4,000 buy 17.7 more right",
        "too dear at this price          8                       –  nothing",
    ] == [line.replace("─" * 93, "─" * 92) for line in printed(120)]


def test_names_are_broken_before_words_are() -> None:
    lines = printed(84)
    assert "right" in lines[1].split()
    assert ["pays", "1,234,567", "0.123456", "another 4,000 buy 17.7 more right"] == [
        cell for cell in lines[-2].split("  ") if cell.strip()
    ][:1] + [cell.strip() for cell in lines[-2].split("  ") if cell.strip()][1:]


@pytest.mark.parametrize("width", [133, 80, 72, 60, 40, 20])
def test_no_figure_is_cut_and_no_line_is_too_long(width: int) -> None:
    lines = printed(width, last=("all", "9,999", "1", ""))
    text = " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= width
    assert "…" not in text
    for row in ROWS:
        for figure in row[1:3]:
            assert figure in text.split()
    assert "9,999" in text.split()


def test_what_does_not_fit_is_stacked() -> None:
    assert [
        "what is planned",
        "  the reason              pays",
        "  tokens                  1,234,567",
        "  right answers expected  0.123456",
        "  what comes next         another 4,000",
        "                          buy 17.7 more",
        "                          right",
        "",
        "  the reason              too dear at",
        "                          this price",
        "  tokens                  8",
        "  right answers expected  –",
        "  what comes next         nothing",
    ] == printed(40)


def test_facts_have_a_line_each() -> None:
    console = Console(width=60, file=io.StringIO(), record=True)
    print_facts(console, "index, 20 of 100 tokens", [("questions", "2"), ("right", "1 of 1")])
    lines = ["index, 20 of 100 tokens", "  questions       2", "  right      1 of 1"]
    assert lines == [line.rstrip() for line in console.export_text().splitlines()]


def test_what_cells_say_is_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Terminal(), "a\x1b[31m", ["n"], [["[red]1\x1b[0m"]])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "[red]1�[0m" in out


@pytest.mark.parametrize(("columns", "width"), [("", 80), ("133", 133), ("0", 80), ("wide", 80)])
def test_files_and_pipes_get_80_columns_or_what_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert (width, width) == (Terminal().width, Terminal(stderr=True).width)
