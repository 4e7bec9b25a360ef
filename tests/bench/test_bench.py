import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from shadowprice._errors import InputError
from shadowprice.bench import (
    BenchResult,
    Forecasts,
    default_budgets,
    kept_forecast,
    run_bench,
    write_report,
)
from shadowprice.cli._bench_tables import print_bench
from shadowprice.policies import POLICIES
from shadowprice.traces import Accounting, Traces

BUDGETS = (16, 32, 64)
CELL = {
    "policy",
    "stream",
    "budget",
    "accuracy",
    "ci_low",
    "ci_high",
    "allocated",
    "generated",
    "abandoned",
    "abandoned_by_tier",
    "price",
    "draws",
}


@pytest.fixture(scope="module")
def forecasts(sums: Traces) -> Forecasts:
    return kept_forecast(sums)


@pytest.fixture(scope="module")
def measured(sums: Traces, forecasts: Forecasts) -> Callable[[Accounting], BenchResult]:
    @cache
    def measure(accounting: Accounting) -> BenchResult:
        return run_bench(sums, forecasts, budgets=BUDGETS, accounting=accounting, seeds=2)

    return measure


@pytest.fixture(params=list(Accounting))
def result(request: pytest.FixtureRequest, measured: Callable[[Accounting], BenchResult]) -> BenchResult:
    return measured(request.param)


def test_every_policy_is_measured_on_every_stream_at_every_budget(result: BenchResult) -> None:
    seen = [(row.stream, row.policy, row.budget) for row in result.rows]
    assert sorted(seen) == sorted((s, p, b) for s in result.streams for p in result.measured for b in BUDGETS)
    assert tuple(POLICIES) == result.policies
    missing = {"tale-ep", "index", "index-resume"} if result.accounting == "allocated" else {"tale-ep"}
    assert missing == set(POLICIES) - set(result.measured) == set(result.notes)
    assert (90, 37, 37, 66) == result.stream_sizes
    assert (2, 2) == (result.seeds, result.folds)


def test_numbers_make_sense(result: BenchResult) -> None:
    for row in result.rows:
        assert 0.0 <= row.ci_low <= row.accuracy <= row.ci_high <= 100.0
        assert row.generated <= row.allocated
        charged = row.allocated if result.accounting == "allocated" else row.generated
        assert charged <= row.budget
        assert 0.0 <= row.abandoned <= 100.0
        assert (row.price is None) == (row.policy in ("uniform", "predictor"))
        assert row.accuracy == pytest.approx(np.mean(row.draws))
        assert all(0.0 <= share <= 100.0 for share in row.abandoned_by_tier)


def test_the_oracle_is_the_ceiling(result: BenchResult) -> None:
    for row in result.rows:
        assert row.accuracy <= result.cell("oracle", row.stream, row.budget).accuracy


def test_clear_beats_uniform_when_tokens_are_scarce(result: BenchResult) -> None:
    for stream in result.streams:
        clear, uniform = (result.cell(policy, stream, 16) for policy in ("clear-lambert", "uniform"))
        assert clear.ci_low > uniform.ci_high


def test_json_has_the_promised_shape(result: BenchResult, sums: Traces) -> None:
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert 2 == data["schema_version"]
    assert data["traces"] == sums.name
    assert data["accounting"] == result.accounting
    assert all(set(row) == CELL for row in data["rows"])
    assert len(result.measured) * 4 * 3 == len(data["rows"])
    assert data["closed"]["oracle"] == 1.0


def test_the_same_seeds_give_the_same_numbers(sums: Traces, forecasts: Forecasts) -> None:
    def small(seeds: int, **more: Any) -> BenchResult:
        return run_bench(sums, forecasts, streams=["u-shaped"], budgets=[32], seeds=seeds, **more)

    assert small(3) == small(3)
    assert small(3).rows != small(4).rows
    # A stream's draws do not depend on which other streams and policies are asked for.
    both = run_bench(sums, forecasts, streams=["balanced", "u-shaped"], budgets=[32, 64], seeds=3)
    assert both.cell("uniform", "u-shaped", 32) == small(3, policies=["uniform"]).cell("uniform", "u-shaped", 32)


def test_the_best_of_a_column_to_the_printed_tenth(result: BenchResult) -> None:
    def with_scores(**scores: float) -> BenchResult:
        rows = tuple(
            replace(row, accuracy=scores.get(row.policy.replace("-", "_"), 0.0))
            for row in result.rows
            if (row.stream, row.budget) == ("balanced", 16)
        )
        return replace(result, rows=rows)

    assert {"uniform"} == with_scores(uniform=5.0, predictor=4.0, oracle=9.0).best("balanced", 16)
    tie = with_scores(uniform=5.01, clear_lambert=4.99, oracle=9.0)
    assert {"uniform", "clear-lambert"} == tie.best("balanced", 16)


@pytest.mark.parametrize(
    ("positions", "budgets"),
    [([1], (1, 2, 4, 8)), ([60, 64, 70], (8, 16, 32, 64)), ([1000] * 9, (128, 256, 512, 1024))],
)
def test_default_budgets_end_where_most_answers_have_appeared(
    positions: Sequence[int], budgets: tuple[int, ...]
) -> None:
    table = pa.table({"correct": [True] * len(positions) + [False], "answer_tokens": [*positions, 9999]})
    assert budgets == default_budgets(Traces(table, np.arange(len(positions) + 1)))


def test_default_budgets_need_a_right_reply() -> None:
    table = pa.table({"correct": [False], "answer_tokens": [3]})
    with pytest.raises(InputError, match="No reply in made up is right, so every policy gets 0 %"):
        default_budgets(Traces(table, np.arange(1), "made up"))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"seeds": 0}, "0 seeds measure nothing"),
        ({"budgets": [0, 5]}, "A budget of 0 tokens per query buys nothing"),
        ({"budgets": [-5]}, "A budget of -5 tokens per query"),
        ({"policies": ["x"]}, "There is no policy 'x'"),
        ({"streams": ["x"]}, "There is no stream 'x'"),
    ],
)
def test_bad_options_are_refused(sums: Traces, forecasts: Forecasts, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        run_bench(sums, forecasts, **options)


@pytest.mark.parametrize(("width", "blocks"), [(200, 1), (80, 2), (60, 4), (42, 8)])
def test_the_table_shows_every_accuracy_whole_at_every_width(result: BenchResult, width: int, blocks: int) -> None:
    console = Console(width=width, file=io.StringIO(), record=True)
    print_bench(result, console)
    text = console.export_text()
    assert blocks == text.count("policy  ")
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for policy in result.policies:
        lines = [line for line in text.splitlines() if line.split()[:1] == [policy]]
        assert blocks == len(lines)
        shown = [float(number) for line in lines for number in re.findall(r"\d+\.\d", line)]
        if policy in result.notes:
            number = list(result.notes).index(policy) + 1
            assert all(f"{policy} ({number})" in line for line in lines)
            assert f"({number}) {policy} {result.notes[policy]}" in " ".join(text.split())
        closed = result.closed(policy)
        assert lines[-1].endswith("–" if closed is None else f" {round(100 * closed)}%")
        if policy not in result.measured:
            assert 4 * len(BUDGETS) + 1 == sum(line.count("–") for line in lines)
            continue
        wanted = [round(result.cell(policy, s, b).accuracy, 1) for s in result.streams for b in BUDGETS]
        assert pytest.approx(wanted, abs=0.051) == shown


class Page(HTMLParser):
    """What an HTML page shows and what it links to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset")]

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())


def test_the_report_is_one_file_with_all_numbers(measured: Callable[[Accounting], BenchResult], tmp_path: Path) -> None:
    results = [measured(way) for way in Accounting]
    path = tmp_path / "report.html"
    write_report(results, "shadowprice bench <traces> & more", path)
    page = Page(path)
    assert all(link.startswith("#") for link in page.links)
    assert not page.tags & {"script", "link", "img", "iframe"}
    addresses = set(re.findall(r"https?://[^\s\"'<>]*", path.read_text(encoding="utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    numbers = [f"{row.accuracy:.1f}" for one in results for row in one.rows]
    intervals = [f"{row.ci_low:.1f}–{row.ci_high:.1f}" for one in results for row in one.rows]
    assert not [number for number in {*numbers, *intervals} if number not in page.text]
    assert sum(page.text.count(number) for number in set(numbers)) >= len(numbers)
    assert "shadowprice bench <traces> & more" in page.text
    # Four streams, the price, what a right answer costs, and who is turned away by each policy that does.
    turning_away = [
        policy
        for policy in results[1].measured
        if max(max(row.abandoned_by_tier) for row in results[1].rows if row.policy == policy) > 5.0
    ]
    assert 4 + 2 + len(turning_away) == path.read_text(encoding="utf-8").count("<svg")
    assert ["report.html"] == [file.name for file in tmp_path.iterdir()]
    write_report(results, "shadowprice bench <traces> & more", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == path.read_bytes()


def test_a_report_without_a_price_has_no_price_picture(sums: Traces, forecasts: Forecasts, tmp_path: Path) -> None:
    result = run_bench(sums, forecasts, streams=["balanced"], budgets=[32], policies=["uniform"], seeds=1)
    write_report([result], "c", tmp_path / "report.html")
    assert 2 == (tmp_path / "report.html").read_text(encoding="utf-8").count("<svg")


@pytest.mark.usefixtures("unpainted")
def test_what_is_known_of_the_beliefs_is_in_the_report(sums: Traces, forecasts: Forecasts, tmp_path: Path) -> None:
    result = run_bench(sums, forecasts, streams=["balanced"], budgets=[32], policies=["uniform", "expected"], seeds=1)

    def pictures(**known: Any) -> int:
        write_report([result], "c", tmp_path / "report.html", **known)
        return (tmp_path / "report.html").read_text(encoding="utf-8").count("<figure>")

    plain = pictures()
    assert plain + 3 == pictures(traces=sums)  # a surge for each tier
    assert plain + 5 == pictures(traces=sums, forecasts=forecasts)  # and whether beliefs can be believed
    assert plain + 3 == pictures(traces=sums, forecasts=Forecasts())


@pytest.mark.usefixtures("unpainted")
def test_the_report_says_what_to_take_away(result: BenchResult, tmp_path: Path) -> None:
    write_report([replace(result, questions=400)], "c", tmp_path / "report.html")
    # Where a policy is named first, what it does stands in brackets.
    text = re.sub(
        r"(clear-lambert|oracle|index|index-resume|expected) \([^)]*\)",
        r"\1",
        " ".join(Page(tmp_path / "report.html").text),
    )
    rivals = {policy: result.closed(policy) or 0.0 for policy in result.measured if policy != "oracle"}
    ahead = max(rivals, key=lambda policy: rivals[policy])
    by = f"is closed by {ahead}" if rivals[ahead] >= 0.005 else "is closed: no policy here gets closer"
    assert f"{100 * rivals[ahead]:.0f} % of the distance from clear-lambert to the oracle {by}" in text
    for policy, note in result.notes.items():
        assert f"{policy} {note}" in text


@pytest.mark.usefixtures("unpainted")
def test_the_report_on_few_questions_has_no_headline(result: BenchResult, tmp_path: Path) -> None:
    write_report([result], "c", tmp_path / "report.html")
    text = " ".join(Page(tmp_path / "report.html").text)
    assert "±10 points" in text
    assert result.caution in text
    assert "of the distance from clear-lambert to the oracle is closed" not in text


def test_no_report_is_written_where_none_can_be(sums: Traces, forecasts: Forecasts, tmp_path: Path) -> None:
    result = run_bench(sums, forecasts, streams=["balanced"], budgets=[32], policies=["uniform"], seeds=1)
    with pytest.raises(InputError, match=r"Cannot write .*none/r\.html"):
        write_report([result], "c", tmp_path / "none" / "r.html")
    assert [] == list(tmp_path.iterdir())
