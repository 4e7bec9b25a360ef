"""`shadowprice replay-traffic`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
SMALL = ("--arrivals", "200", "--windows", "6")


def test_a_day_is_printed_kept_and_drawn(shadowprice: Command, sums_file: Path, tmp_path: Path) -> None:
    table, plot = tmp_path / "day.json", tmp_path / "day.svg"
    said = shadowprice(
        "replay-traffic", sums_file, "--day", "burst,silence", "--budget", "30%,60%", *SMALL, "--json", table,
        "--plot", plot,
    )  # fmt: skip
    assert 0 == said.code
    assert max(map(len, said.out.splitlines()[1:])) <= 80
    assert 4 == said.out.count("first-come")
    assert "burst, 200 queries in 6 windows of " in said.out
    assert "right answers than the best fixed price in hindsight" in said.err
    assert "<svg" in plot.read_text(encoding="utf-8")
    data = json.loads(table.read_text(encoding="utf-8"))
    assert (200, 6, 4 * 8) == (data["arrivals"], data["windows"], len(data["rows"]))
    assert {row["day"] for row in data["rows"]} == {"burst", "silence"}
    assert all(row["over"] in (0, None) for row in data["rows"])
    assert all(row["of_fixed"] == 100.0 for row in data["rows"] if row["policy"] == "fixed-price")
    printed = shadowprice(
        "replay-traffic", sums_file, "--day", "burst", "--policies", "online,first-come", *SMALL, "--json", "-"
    )
    rows = json.loads(printed.out)["rows"]
    assert ["first-come", "online"] == [row["policy"] for row in rows]
    same = next(row for row in data["rows"] if (row["policy"], row["day"], row["budget"]) == ("online", "burst", 0.3))
    assert (same["right"], same["tokens"]) == (rows[1]["right"], rows[1]["tokens"])
    assert (rows[1]["of_fixed"], rows[1]["regret"]) == (None, None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--day", "brust"), "There is no day 'brust': did you mean burst?"),
        (("--budget", "300"), "--budget is a share in percent, such as 30%, not '300'."),
        (("--budget", "-3%"), "--budget is a share in percent, such as 30%, not '-3%'."),
        (("--carry", "x"), "--carry is a share in percent, such as 30%, not 'x'."),
        (("--policies", "onlin"), "There is no policy 'onlin': did you mean online?"),
        (("--plot", "day.txt"), "a plot is written as .svg, .png, .pdf"),
        (("--budget", "0%"), "A budget is a share of full cost, above 0"),
        (("--carry", "200%"), "0 % to 100 %, not 200 %"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_fitted(
    shadowprice: Command, sums_file: Path, options: tuple[str, ...], said: str
) -> None:
    ended = shadowprice("replay-traffic", sums_file, *options)
    assert 2 == ended.code
    assert said in ended.err
    assert "fitting" not in ended.err
