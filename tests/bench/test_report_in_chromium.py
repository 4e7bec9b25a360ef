"""The report in a real browser, as people will see it: on a phone and on a desk, by day and by night."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.bench import BenchResult, Forecasts, kept_forecast, run_bench, write_report
from shadowprice.jobs.given import read_budget
from shadowprice.jobs.told import Account
from shadowprice.jobs.told._report import write_report_of
from shadowprice.ledger import Totals
from shadowprice.policies import Terms, get_policy
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question
from shadowprice.traces import Accounting, Traces

pytestmark = pytest.mark.slow

PHONE, DESK = 390, 1440
Scheme = Literal["light", "dark"]
SEEN: list[tuple[int, Scheme]] = [(PHONE, "light"), (PHONE, "dark"), (DESK, "light"), (DESK, "dark")]
HOSTILE = f"</blockquote></table><script>alert(1)</script><img src=x onerror=alert(2)>\u202e {'so' * 400}"
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


@pytest.fixture(scope="module")
def run_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run, with texts that nobody would want to read."""
    path = tmp_path_factory.mktemp("run") / "run.html"
    write_report_of(account(), read_budget("900", "$2"), {"remarks": [HOSTILE]}, path, "shadowprice run")
    return path


def account() -> Account:
    """Forty questions, of which every second was worth its tokens."""
    grid = np.array([16.0, 32.0, 64.0, 128.0])
    right = np.where(np.arange(40)[:, None] % 2 == 0, [[0.3, 0.7, 0.8, 0.8]], [[0.0, 0.0, 0.02, 0.1]])
    ones = np.ones(40)
    results = []
    for number in range(40):
        question = Question(f"q{number}", f"{HOSTILE} {number}", gold="1", dataset=("<i>a", "x" * 300)[number % 2])
        if number % 2:
            results.append(Result(question, Reason.ABANDONED, 0, 0, 0.01))
        else:
            price, good = 0.02 - number / 5000, number % 8 > 0
            done = Result(question, Reason.FINISHED, 32, 24, price, answer=HOSTILE, correct=good, position=20)
            results.append(done)
    replied = [one for one in results if one.reason.replied]
    totals = Totals(900, 24 * len(replied), 0, 0, 0, 0, 0, {})
    outcomes = Beliefs(16 * ones, 0.1 * ones, 0.1 * ones, Outcomes(grid, right, right))
    return Account(results, replied, totals, get_policy("index"), 0.01, outcomes, Terms(40))


@pytest.fixture(params=SEEN, ids=str)
def page(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    """The open report of a bench."""
    yield from opened(browser, report, *request.param)


@pytest.fixture(params=SEEN, ids=str)
def run_page(request: pytest.FixtureRequest, browser: Browser, run_report: Path) -> Iterator[Page]:
    """The open report of a run."""
    yield from opened(browser, run_report, *request.param)


def opened(browser: Browser, report: Path, width: int, scheme: Scheme) -> Iterator[Page]:
    """An open page; whatever it complains about or asks the network for fails the test."""
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
    assert 3 == tables.count()
    for number in range(3):
        box = tables.nth(number).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width_of(page)
    wide = page.evaluate("[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)")
    assert (width_of(page) == PHONE) == wide


def test_the_tables_hold_every_number(page: Page, results: tuple[list[BenchResult], Forecasts]) -> None:
    # What is really paid stands first.
    for number, result in enumerate(reversed(results[0])):
        table = page.locator("table.streams").nth(number)
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


FAINT = """() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => parts(colour).slice(0, 3).map(one => one / 255)
    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  const paper = node => {
    const colour = getComputedStyle(node).backgroundColor;
    return parts(colour)[3] === 0 ? paper(node.parentElement) : colour;
  };
  const contrast = (ink, node) => {
    const [low, high] = [light(ink), light(paper(node))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const names = "h1, h2, h3, p, b, dt, dd, blockquote, figcaption, th, td, li, small, code";
  const words = [...document.querySelectorAll(names)];
  const axes = [...document.querySelectorAll("figure svg g[id^=text] g")];
  return [
    ...words.filter(node => node.innerText.trim() && contrast(getComputedStyle(node).color, node) < 4.5),
    ...axes.filter(node => contrast(getComputedStyle(node).fill, node.closest("figure")) < 4.5),
  ].map(node => node.textContent.trim().slice(0, 40) || node.closest("[id^=text]").id);
}"""
"""Words, and words in pictures, that stand out less than WCAG 2 asks for (4.5)."""


def test_all_words_can_be_read_in_both_schemes(page: Page) -> None:
    assert [] == page.evaluate(FAINT)
    assert page.locator("figure svg g[id^=text] g").count() > 50


def test_every_picture_has_a_sentence_and_two_questions_tell_the_story(page: Page) -> None:
    for figure in page.locator("figure").all():
        assert re.search(r"\d.*\.$", figure.locator("figcaption").inner_text())
    titles = page.locator("article.story h3").all_inner_texts()
    assert ["Funded", "Turned away"] == [title.split(":")[0] for title in titles]
    assert "nobody can: the ceiling" in page.locator("ul.explained").inner_text()


def test_the_report_of_a_run_is_read_on_any_screen(run_page: Page) -> None:
    assert run_page.evaluate("document.documentElement.scrollWidth") <= width_of(run_page)
    assert [] == run_page.evaluate(FAINT)
    assert 0 == run_page.locator("script, img").count()
    assert 2 == run_page.locator("article.story").count()
    assert 2 == run_page.locator("figure svg").count()
    for box in [part.bounding_box() for part in run_page.locator("figure, article, .fact, .scroll, code").all()]:
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width_of(run_page)
    words = run_page.locator("body").inner_text()
    assert "15 right answers for 480 tokens" in words
    assert "480 tokens\nspent: 53% of the budget, $0.00096" in words
    assert "more right answers among the 20 questions that were not asked." in words
