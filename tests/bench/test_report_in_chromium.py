"""The report in a real browser, as people will see it: on a phone and on a desk, by day and by night."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from shadowprice.bench import BenchResult, Forecasts, kept_forecast, run_bench, write_report
from shadowprice.traces import Accounting, Traces

pytestmark = pytest.mark.slow

PHONE, DESK = 390, 1440
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    assert path is not None, "No Chromium is installed: run `make browser`, or install the package chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def results(sums: Traces) -> tuple[list[BenchResult], Forecasts]:
    forecasts = kept_forecast(sums)
    return [run_bench(sums, forecasts, budgets=[16, 32, 64], accounting=way, seeds=2) for way in Accounting], forecasts


@pytest.fixture(scope="module")
def report(
    results: tuple[list[BenchResult], Forecasts], sums: Traces, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(results[0], "shadowprice bench sums.parquet", path, traces=sums, forecasts=results[1])
    return path


@pytest.fixture(params=[(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")], ids=str)
def page(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    """The open report; whatever it complains about or asks the network for fails the test."""
    width: int
    scheme: Literal["light", "dark"]
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []

    def note(message: ConsoleMessage) -> None:
        said.append(message.text)

    def ask(made: Request) -> None:
        asked.append(made.url)

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", ask)
    page.goto(report.as_uri())
    page.wait_for_load_state("networkidle")
    yield page
    assert [] == said
    assert [report.as_uri()] == asked
    context.close()


def width_of(page: Page) -> int:
    assert page.viewport_size is not None
    return page.viewport_size["width"]


def test_every_picture_is_seen(page: Page) -> None:
    pictures = page.locator("figure svg")
    assert 4 + 2 + 2 + 3 <= pictures.count()
    for number in range(pictures.count()):
        picture = pictures.nth(number)
        assert picture.is_visible()
        box = picture.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) > 150
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width_of(page)


def test_the_page_does_not_scroll_sideways_but_its_tables_may(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width_of(page)
    tables = page.locator(".scroll")
    assert 2 == tables.count()
    for number in range(2):
        box = tables.nth(number).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width_of(page)
    wide = page.evaluate("[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)")
    assert (width_of(page) == PHONE) == wide


def test_the_tables_hold_every_number(page: Page, results: tuple[list[BenchResult], Forecasts]) -> None:
    for number, result in enumerate(results[0]):
        table = page.locator("table").nth(number)
        lines = {}
        for row in table.locator("tbody tr").all():
            cells = row.locator("td").all_inner_texts()
            lines[cells[0]] = [text.split()[0] for text in cells[1:]]
        assert len(result.policies) == len(lines)
        for label, line in lines.items():
            policy = label.rstrip("123").strip()
            accuracies = [
                f"{result.cell(policy, stream, budget).accuracy:.1f}" if policy in result.measured else "–"
                for stream in result.streams
                for budget in result.budgets
            ]
            assert accuracies == line[:-1]


def test_ink_and_paper_follow_the_scheme(page: Page) -> None:
    paper, ink = (
        page.evaluate(f"getComputedStyle(document.body).{name}").removeprefix("rgb(").split(",")[0]
        for name in ("backgroundColor", "color")
    )
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert dark == (int(paper) < 60)
    assert dark == (int(ink) > 200)
