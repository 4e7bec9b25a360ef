"""`shadowprice allocate`: what it writes and says, and what it refuses."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import (
    AbstractPredictor,
    OutcomePredictor,
    PredictorCard,
    ThresholdPredictor,
    load_predictor,
    save_predictor,
)
from shadowprice.jobs.given import believe, get_live_policy
from shadowprice.policies import Terms
from shadowprice.tasks import Asking, read_questions
from shadowprice.traces import Traces

Command = Callable[..., Any]
Summary = dict[str, Any]


def saved(predictor: AbstractPredictor, kind: str, sums: Traces, path: Path) -> Path:
    predictor.fit(sums.evidence)
    outcomes = predictor.predict(sums.questions[:1]).outcomes
    grid = () if outcomes is None else tuple(float(token) for token in outcomes.tokens)
    asked = {"instruction-exact-v1": 90}
    card = PredictorCard("sums", "m", 90, 180, "2026-11-25T00:00:00+00:00", "0.1.0", kind, grid=grid, asked=asked)
    save_predictor(predictor, card, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("allocate")


@pytest.fixture(scope="module")
def predictor(folder: Path, sums: Traces) -> Path:
    """Beliefs about the made-up sums, in a file."""
    return saved(OutcomePredictor(n_components=4, n_trees=20), "outcome", sums, folder / "p.shadow")


@pytest.fixture(scope="module")
def thresholds(folder: Path, sums: Traces) -> Path:
    return saved(ThresholdPredictor(), "threshold", sums, folder / "t.shadow")


@pytest.fixture(scope="module")
def questions(folder: Path, sums: Traces) -> Path:
    """The 90 questions with tiers, data sets and a value of 1, 2 or 3."""
    path = folder / "q.jsonl"
    columns = zip(sums.questions, sums.tiers, sums.datasets, strict=True)
    rows = [
        {"query_id": f"s{row}", "question": text, "tier": tier, "dataset": dataset, "value": 1 + row // 30}
        for row, (text, tier, dataset) in enumerate(columns)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _read(questions: Path) -> str:
    """What is said of them where nobody asks for the value."""
    return f"Read 90 questions from {questions}: query_id, question, dataset, tier; ignored: value.\n"


@pytest.fixture
def summary(shadowprice: Command, questions: Path, predictor: Path) -> Callable[..., Summary]:
    """The summary of a plan for 2,000 tokens."""

    def plan(*options: object, budget: object = 2000) -> Summary:
        said = shadowprice("allocate", questions, "--predictor", predictor, "--budget", budget, *options, "--json")
        assert 0 == said.code, said.err
        data: Summary = json.loads(said.out)
        return data

    return plan


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


COLUMNS = ["query_id", "tokens", "price", "surplus", "expected", "reason", "kind"]


def test_one_row_per_question(summary: Callable[..., Summary], tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    data = summary("-o", path)
    plan = rows(path)
    assert [f"s{row}" for row in range(90)] == [row["query_id"] for row in plan]
    assert COLUMNS == list(plan[0])
    assert data["planned"] == sum(row["tokens"] for row in plan) <= 2000
    assert data["expected"] == pytest.approx(sum(row["expected"] for row in plan))
    assert {data["price"]} == {row["price"] for row in plan}
    assert all(row["reason"].startswith("abandoned: ") == (row["tokens"] == 0) for row in plan)


def test_numbers_agree_with_the_predictor(
    summary: Callable[..., Summary], questions: Path, predictor: Path, tmp_path: Path
) -> None:
    path = tmp_path / "plan.jsonl"
    summary("-o", path)
    beliefs = load_predictor(predictor)[0].predict([one.question for one in read_questions(questions)])
    assert beliefs.outcomes is not None
    plan = rows(path)
    tokens = np.array([row["tokens"] for row in plan])
    chance = beliefs.outcomes.curve.value(tokens)
    assert chance == pytest.approx([row["expected"] for row in plan])
    assert chance - plan[0]["price"] * tokens == pytest.approx([row["surplus"] for row in plan])


def test_the_same_plan_in_every_format(summary: Callable[..., Summary], tmp_path: Path) -> None:
    for ending in ("jsonl", "csv", "parquet"):
        summary("-o", tmp_path / f"plan.{ending}")
    lines = rows(tmp_path / "plan.jsonl")
    assert lines == pq.read_table(tmp_path / "plan.parquet").to_pylist()
    with (tmp_path / "plan.csv").open(encoding="utf-8", newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert COLUMNS == list(cells[0])
    assert [row["reason"] for row in lines] == [row["reason"] for row in cells]
    assert [row["expected"] for row in lines] == [float(row["expected"]) for row in cells]
    assert 3 == len(list(tmp_path.iterdir()))


def test_the_summary_counts_who_was_abandoned_and_why(summary: Callable[..., Summary]) -> None:
    data = summary()
    assert ("expected", 2000, 90) == (data["policy"], data["budget"], data["questions"])
    assert 90 == data["funded"] + data["abandoned"] == sum(reason["questions"] for reason in data["reasons"])
    assert data["abandoned"] == sum(reason["questions"] for reason in data["reasons"] if reason["abandoned"]) > 0
    assert {"easy", "medium", "hard"} == {tier["name"] for tier in data["tiers"]}
    assert 3 == len(data["datasets"])
    for group in (*data["tiers"], *data["datasets"]):
        assert 30 == group["questions"] == sum(group["reasons"].values())
    for reason in data["reasons"]:
        assert 0 < len(reason["examples"]) <= 3


def test_the_table_names_reasons_and_examples(shadowprice: Command, questions: Path, predictor: Path) -> None:
    said = shadowprice("allocate", questions, "--predictor", predictor, "--budget", "2k", "-o", "-")
    assert (0, True) == (said.code, said.err.startswith(f"{_read(questions)}Budget: 2,000 tokens (22 a question, "))
    assert said.err.endswith(" of full cost).\n")
    assert "expected, 2,000 of 2,000 tokens" in said.out
    assert "abandoned: too dear at this price" in said.out
    assert "its best offer is 0." in said.out
    assert " tokens per right answer; the budget pays at most " in said.out
    assert "hard" in said.out


def test_a_threshold_predictor_is_priced_as_the_paper_does(
    shadowprice: Command, questions: Path, thresholds: Path
) -> None:
    said = shadowprice("allocate", questions, "--predictor", thresholds, "--budget", "2k", "--json")
    assert "clear-lambert" == json.loads(said.out)["policy"]
    said = shadowprice("allocate", questions, "--predictor", thresholds, "--budget", "2k", "--policy", "expected")
    assert 2 == said.code
    assert "needs beliefs about outcomes" in said.err


@pytest.mark.parametrize("policy", ["uniform", "predictor", "clear-heuristic", "clear-auction", "clear-lambert"])
def test_any_policy_that_commits(summary: Callable[..., Summary], policy: str) -> None:
    data = summary("--policy", policy, "--floor", "5")
    assert policy == data["policy"]
    assert 450 <= data["planned"] <= 2000
    assert data["expected"] > 0.0
    assert (data["price"] is None) == (policy in ("uniform", "predictor"))


def test_uniform_needs_no_predictor(shadowprice: Command, questions: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    said = shadowprice("allocate", questions, "--policy", "uniform", "--budget", "2k", "-o", path, "--json")
    budget = "Budget: 2,000 tokens (22 a question).\n"
    assert (0, f"{_read(questions)}{budget}Plan written to {path}.\n") == (said.code, said.err)
    data = json.loads(said.out)
    assert (None, None, 2000) == (data["price"], data["expected"], data["planned"])
    assert {(22, None), (23, None)} == {(row["tokens"], row["expected"]) for row in rows(path)}


def test_floors_are_kept(summary: Callable[..., Summary], tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    data = summary("--floor", "12", "-o", path)
    assert 1080 == data["guaranteed"]
    assert 0 == data["abandoned"]
    assert 12 == min(row["tokens"] for row in rows(path))
    assert any(row["reason"].startswith("guaranteed floor of 12 tokens: ") for row in rows(path))


def test_a_minimum_abandons_nobody(summary: Callable[..., Summary], tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    assert 0 == summary("--minimum", "6", "-o", path)["abandoned"]
    assert any(row["reason"].startswith("guaranteed minimum of 6 tokens: ") for row in rows(path))


def test_weights_move_tokens(summary: Callable[..., Summary], tmp_path: Path) -> None:
    paths = tmp_path / "plain.jsonl", tmp_path / "weighted.jsonl"
    summary("-o", paths[0])
    assert summary("--weights", "value", "-o", paths[1])["weighted"]
    plain, weighted = (np.array([row["tokens"] for row in rows(path)]).reshape(3, 30).sum(axis=1) for path in paths)
    assert weighted[0] < plain[0]
    assert weighted[2] > plain[2]


def test_what_if_compares_budgets_around(summary: Callable[..., Summary]) -> None:
    compared = summary("--what-if")["what_if"]
    assert [250, 500, 1000, 2000, 4000, 8000, 16000] == [row["budget"] for row in compared]
    expected, price = ([row[name] for row in compared] for name in ("expected", "price"))
    assert expected == sorted(expected)
    assert price == sorted(price, reverse=True)
    assert compared[3]["more_right"] == pytest.approx(expected[4] - expected[3])
    assert None is compared[-1]["more_right"]


def test_what_if_agrees_with_the_plan(summary: Callable[..., Summary]) -> None:
    data = summary("--budgets", "1k,3k")
    assert [1000, 2000, 3000] == [row["budget"] for row in data["what_if"]]
    assert (data["price"], data["expected"]) == (data["what_if"][1]["price"], data["what_if"][1]["expected"])
    assert None is summary()["what_if"]


def test_what_if_in_words(shadowprice: Command, questions: Path, predictor: Path) -> None:
    said = shadowprice("allocate", questions, "--predictor", predictor, "--budget", "2k", "--budgets", "4k")
    assert "→ 2,000" in said.out
    assert "another 2,000 buy " in said.out
    assert " more right" in said.out


@pytest.mark.parametrize(("ending", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_plot(summary: Callable[..., Summary], tmp_path: Path, ending: str, begins: bytes) -> None:
    path = tmp_path / f"what-if.{ending}"
    assert 7 == len(summary("--plot", path)["what_if"])
    assert path.read_bytes().startswith(begins)
    assert [path] == list(tmp_path.iterdir())


def test_a_budget_that_buys_nothing(shadowprice: Command, questions: Path, predictor: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.jsonl"
    said = shadowprice("allocate", questions, "--predictor", predictor, "--budget", "0", "-o", path, "--json")
    assert 3 == said.code
    assert "error: 0 tokens buy nothing for these 90 questions; raise the budget." == said.err.splitlines()[-1]
    assert 90 == json.loads(said.out)["abandoned"]
    assert 90 == sum(row["reason"].startswith("abandoned: ") for row in rows(path))


def test_many_questions(shadowprice: Command, tmp_path: Path) -> None:
    source, path = tmp_path / "q.jsonl", tmp_path / "plan.parquet"
    source.write_text("".join(f'{{"question": "What is {row} + 1?"}}\n' for row in range(20_000)), encoding="utf-8")
    said = shadowprice("allocate", source, "--policy", "uniform", "--budget", "200k", "-o", path)
    assert 0 == said.code
    assert 200_000 == sum(pq.read_table(path)["tokens"].to_pylist())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--policy", "x"), "There is no policy 'x'; choose from uniform"),
        (("--policy", "index"), "The policy index decides while replies run, so `shadowprice allocate` cannot"),
        (("--policy", "tale-ep"), "The policy tale-ep decides while replies run"),
        (("--policy", "oracle"), "The oracle knows the answers"),
        (("-o", "plan.txt"), "Cannot write plan.txt: a plan is written as .parquet, .jsonl, .csv"),
        (("-o", "plan"), "Cannot write plan: a plan is written as .parquet, .jsonl, .csv"),
        (("-o", "folder.csv"), "Cannot write folder.csv: it is a folder; give a file name."),
        (("-o", "none/plan.csv"), "Cannot write none/plan.csv: No such file or directory"),
        (("--plot", "plot.gif"), "Cannot write plot.gif: a plot is written as .svg, .png, .pdf"),
        (("--plot", "none/plot.svg"), "Cannot write none/plot.svg: No such file or directory"),
        (("--weights", "nothing"), "field 'nothing': missing, there are only query_id, question, tier"),
        (("--weights", "tier"), "line 1, field 'tier': 'easy' is not a number: write a number above 0"),
        (("--floor", "-1"), "--floor is -1 tokens; it must be from 0 to"),
        (("--minimum", "1" + "0" * 30), "it must be from 0 to 9007199254740992."),
        (("--floor", "100"), "9000 tokens are guaranteed to 90 queries, but the budget is 2000; raise the budget"),
        (("--floor", "20", "--budgets", "1k"), "1800 tokens are guaranteed to 90 queries, but the budget is 1000"),
        (("--budgets", ","), "--budgets is ',', which names no budget"),
        (("--budgets", "5,x"), "The budget 'x' is not a number of tokens"),
        (("--predictor", "none.shadow"), "none.shadow: no such file"),
    ],
)
def test_what_is_refused(
    shadowprice: Command,
    questions: Path,
    predictor: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    said = shadowprice("allocate", questions, "--predictor", predictor, "--budget", "2000", *options)
    assert (2, "") == (said.code, said.out)
    (line,) = said.err.splitlines()
    assert line.startswith("error: ")
    assert complaint in line
    assert ["folder.csv"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("budget", ["-5", "abc", "", "9" * 400, "99999999999G"])
def test_a_budget_that_is_none(shadowprice: Command, questions: Path, budget: str) -> None:
    said = shadowprice("allocate", questions, "--policy", "uniform", "--budget", budget)
    assert (2, "", 1) == (said.code, said.out, len(said.err.splitlines()))
    assert "The budget" in said.err


@pytest.mark.parametrize("value", ["-2", "0", '"many"', "NaN", "null"])
def test_weights_that_are_none(shadowprice: Command, tmp_path: Path, value: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(f'{{"question": "A?", "value": 1}}\n{{"question": "B?", "value": {value}}}\n', encoding="utf-8")
    said = shadowprice("allocate", path, "--policy", "uniform", "--budget", "10", "--weights", "value")
    assert (2, "") == (said.code, said.out)
    assert said.err.startswith(f"error: {path}, line 2, field 'value': ")


def test_beliefs_are_asked_for(shadowprice: Command, questions: Path) -> None:
    for options, complaint in (
        ((), "A plan by prices needs beliefs: give --predictor FILE"),
        (("--policy", "clear-lambert"), "The policy clear-lambert needs beliefs: give --predictor FILE"),
        (("--policy", "uniform", "--what-if"), "--what-if needs beliefs about the questions: give --predictor FILE"),
    ):
        said = shadowprice("allocate", questions, "--budget", "2k", *options)
        assert (2, "") == (said.code, said.out)
        assert complaint in said.err


def test_questions_are_not_replaced_by_the_plan(shadowprice: Command, questions: Path) -> None:
    before = questions.read_bytes()
    said = shadowprice("allocate", questions, "--policy", "uniform", "--budget", "2k", "-o", questions)
    assert f"error: --output and QUESTIONS name the same file, {questions}; give --output another one.\n" == said.err
    assert before == questions.read_bytes()


def test_a_folder_of_questions(shadowprice: Command, tmp_path: Path) -> None:
    said = shadowprice("allocate", tmp_path, "--policy", "uniform", "--budget", "2k")
    assert (2, 1) == (said.code, len(said.err.splitlines()))


def test_run_takes_the_same_terms(questions: Path, predictor: Path) -> None:
    asked = read_questions(questions)
    policy = get_live_policy("expected")
    beliefs = believe(asked, predictor, policy, Asking(), tell=print)
    assert beliefs is not None
    market = policy.open(beliefs, 2000, terms=Terms(90, floor=10))
    granted = market.grant(np.arange(90), np.zeros(90, dtype=np.int64))
    assert 10 == granted.min()
    assert granted.sum() <= 2000
    with pytest.raises(InputError, match="The policy index-resume needs replies that pause"):
        get_live_policy("index-resume")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--floor", "100"), "9000 tokens are guaranteed to 90 queries, but the budget is 2000"),
        (("--minimum", "-1"), "--minimum is -1 tokens"),
        (("--weights", "tier"), "field 'tier': 'easy' is not a number"),
    ],
)
def test_run_refuses_the_same_terms(
    shadowprice: Command, questions: Path, tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    output = tmp_path / "a.jsonl"
    said = shadowprice("run", questions, "--policy", "uniform", "--budget", "2000", "-o", output, *options)
    assert (2, "") == (said.code, said.out)
    assert complaint in said.err
