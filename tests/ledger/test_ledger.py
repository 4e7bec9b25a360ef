"""One process, one ledger: every answer, every refusal, and that doing it again changes nothing."""

import json
import math
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from ledgers import ledger as ledger
from ledgers import open_run, tokens
from ledgers import path as path
from ledgers import run as run
from shadowprice._errors import InputError
from shadowprice.ledger import Answer, Attempt, Grant, Ledger, Outcome, Run, State, Totals

PAYLOAD = {"text": "It is 42.\n\n\\boxed{42}", "answer": "42", "correct": True, "price": 0.003}


def test_a_reservation_is_taken_from_the_budget_and_settled(run: Run) -> None:
    assert Grant(60, Answer.GRANTED) == run.reserve("a", 60)
    assert (0, 60, 40) == tokens(run)
    run.settle("a", 25, "finished", PAYLOAD)
    assert (25, 0, 75) == tokens(run)
    outcome = run.outcomes()["a"]
    assert ("a", "finished", 25, PAYLOAD) == (outcome.request, outcome.reason, outcome.generated, outcome.payload)
    assert Totals(100, 25, 0, 0, 0, 0, 0, {"finished": 1}) == run.totals()
    assert 1 == run.totals().settled


def test_what_does_not_fit_is_granted_in_part_or_refused(run: Run) -> None:
    assert Grant(80, Answer.GRANTED) == run.reserve("a", 80)
    assert Grant(0, Answer.NOTHING_LEFT) == run.reserve("b", 30, least=21)
    assert Grant(20, Answer.GRANTED) == run.reserve("b", 30, least=20)
    assert Grant(0, Answer.NOTHING_LEFT) == run.reserve("c", 1)
    assert (0, 100, 0) == tokens(run)


def test_reserving_again_changes_nothing(run: Run) -> None:
    run.reserve("a", 60)
    assert Grant(60, Answer.GRANTED) == run.reserve("a", 60)
    assert Grant(60, Answer.GRANTED) == run.reserve("a", 90)
    assert (0, 60, 40) == tokens(run)


def test_a_settled_request_needs_no_tokens(run: Run) -> None:
    run.reserve("a", 60)
    run.settle("a", 25, "finished")
    assert Grant(0, Answer.SETTLED) == run.reserve("a", 10)
    with pytest.raises(InputError, match="'a' was settled as 'finished'; settle a request once"):
        run.extend("a", 10)


def test_extending_names_the_whole(run: Run) -> None:
    run.reserve("a", 30)
    assert Grant(50, Answer.GRANTED) == run.extend("a", 50)
    assert Grant(50, Answer.GRANTED) == run.extend("a", 50)
    assert Grant(50, Answer.GRANTED) == run.extend("a", 10)
    run.reserve("b", 40)
    assert Grant(60, Answer.NOTHING_LEFT) == run.extend("a", 80)
    assert (0, 100, 0) == tokens(run)
    run.settle("a", 60, "cut off")
    assert (60, 40, 0) == tokens(run)


def test_settling_again_with_the_same_values_changes_nothing(run: Run) -> None:
    run.reserve("a", 60)
    for _ in range(3):
        run.settle("a", 25, "finished", PAYLOAD)
    run.settle("a", 25, "finished", dict(reversed(PAYLOAD.items())))
    assert (25, 0, 75) == tokens(run)


@pytest.mark.parametrize("other", [(26, "finished", PAYLOAD), (25, "cut off", PAYLOAD), (25, "finished", {})])
def test_settling_again_with_other_values_is_refused(run: Run, path: Path, other: tuple[int, str, Any]) -> None:
    run.reserve("a", 60)
    run.settle("a", 25, "finished", PAYLOAD)
    with pytest.raises(InputError, match="settle a request once") as refused:
        run.settle("a", *other)
    assert str(refused.value).startswith(
        f"{path}, run 'run': request 'a' was settled as 'finished' with 25 tokens and cannot be settled again as "
    )
    assert (25, 0, 75) == tokens(run)


def test_a_server_that_lies_is_charged_in_full(run: Run) -> None:
    run.reserve("a", 60)
    run.reserve("b", 20)
    run.settle("a", 95, "cut off")
    assert Totals(100, 95, 20, 0, 35, 0, 1, {"cut off": 1}) == run.totals()
    assert 0 == run.totals().available
    assert Grant(0, Answer.NOTHING_LEFT) == run.reserve("c", 1)
    assert Grant(20, Answer.NOTHING_LEFT) == run.extend("b", 30)
    run.settle("b", 1, "finished")
    assert (96, 0, 4) == tokens(run)
    run.reserve("c", 4)
    run.settle("c", 1000, "cut off")
    assert (1096, 0, 0) == tokens(run)
    assert 35 + 996 == run.totals().overrun


def test_retries_are_charged_each_and_have_one_outcome(run: Run, ledger: Ledger) -> None:
    run.reserve("a", 40)
    run.charge("a", 15, "connection lost")
    run.charge("a", 15, "connection lost")
    assert {} == run.outcomes()
    assert Grant(40, Answer.GRANTED) == run.reserve("a", 40)
    run.release("a")
    run.release("a")
    run.reserve("a", 40)
    run.settle("a", 30, "finished")
    assert (45, 0, 55) == tokens(run)
    tries = [(one.attempt, one.state, one.charged, one.note) for one in ledger.attempts()]
    assert [
        (1, State.CHARGED, 15, "connection lost"),
        (2, State.RELEASED, 0, ""),
        (3, State.SETTLED, 30, ""),
    ] == tries
    (row,) = ledger.requests()
    assert ("settled", 30, 3, 0, 45) == (row.state, row.generated, row.attempts, row.reserved, row.charged)
    with pytest.raises(InputError, match="'a' was settled as 'finished'"):
        run.charge("a", 15, "connection lost")


def test_charging_otherwise_is_refused(run: Run) -> None:
    run.reserve("a", 40)
    run.charge("a", 15)
    with pytest.raises(InputError, match="its attempt 1 is charged with 15 tokens; reserve tokens before it is sent"):
        run.charge("a", 16)
    with pytest.raises(InputError, match="has no open reservation"):
        run.release("a")
    assert (15, 0, 85) == tokens(run)


def test_abandoned_requests_have_an_outcome_without_a_reservation(run: Run, ledger: Ledger) -> None:
    run.settle("a", 0, "abandoned", {"price": 0.1})
    assert {"abandoned": 1} == run.totals().reasons
    (row,) = ledger.requests()
    assert ("settled", "abandoned", 0) == (row.state, row.reason, row.attempts)
    assert [] == ledger.attempts()


@pytest.mark.parametrize("act", ["settle", "charge", "release", "extend"])
def test_nothing_is_paid_without_a_reservation(run: Run, act: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"settle": (5, "finished"), "charge": (5,), "release": (), "extend": (5,)}
    with pytest.raises(InputError, match="request 'a' has no reservation; reserve tokens before it is sent"):
        getattr(run, act)("a", *arguments[act])
    assert (0, 0, 100) == tokens(run)


def test_a_run_goes_on_only_if_asked_and_only_with_the_same_settings(path: Path) -> None:
    settings: dict[str, Any] = {"policy": "uniform", "temperature": 0.5, "api_key": "sk-a"}
    with Ledger(path) as ledger:
        run = open_run(ledger, settings=settings)
        run.reserve("a", 10)
        run.settle("a", 7, "finished")
        refusals: dict[str, dict[str, Any]] = {
            "holds the run 'run' already, 7 of its 100 tokens spent; go on with --resume, or name another ledger": {
                "resume": False
            },
            "a budget of 100 tokens, and 99 are fewer; give the same one, or a larger one": {"budget": 99},
            "begun with temperature = 0.5, not 0.7; use the same": {"settings": settings | {"temperature": 0.7}},
            "begun with seed = None, not 3; use the same": {"settings": settings | {"seed": 3}},
            "begun with policy = 'uniform', not None; use": {"settings": {"temperature": 0.5, "api_key": "sk-b"}},
            "begun with other questions, or asked them otherwise (fingerprint f, not g); give": {"fingerprint": "g"},
        }
        for complaint, changed in refusals.items():
            with pytest.raises(InputError) as refused:
                open_run(ledger, **{"settings": settings, **changed})
            assert complaint in str(refused.value)
            assert str(refused.value).startswith(str(path))
        assert {"a"} == set(open_run(ledger, settings=settings | {"api_key": "sk-b"}).outcomes())


def test_several_runs_have_a_budget_each(ledger: Ledger) -> None:
    one, two = open_run(ledger, name="one"), open_run(ledger, name="two", budget=5)
    one.reserve("a", 100)
    assert Grant(5, Answer.GRANTED) == two.reserve("a", 100)
    two.settle("a", 5, "finished")
    assert ["one", "two"] == [info.name for info in ledger.runs()]
    assert {"one": "open", "two": "settled"} == {row.run: row.state for row in ledger.requests()}
    assert ["two"] == [row.run for row in ledger.requests("two")]
    with pytest.raises(InputError, match="has no run 'three'; it has 'one', 'two'"):
        ledger.totals("three")


def test_everything_of_a_batch_is_kept_or_nothing(run: Run, ledger: Ledger) -> None:
    with ledger.batch():
        assert [60, 40, 0] == [run.reserve(name, 60).tokens for name in "abc"]
    with pytest.raises(ZeroDivisionError), ledger.batch():
        run.settle("a", 5, "finished")
        assert (5, 40, 55) == tokens(run)
        raise ZeroDivisionError
    assert (0, 100, 0) == tokens(run)
    with ledger.batch():
        run.settle("a", 5, "finished")
        with pytest.raises(InputError, match="settle a request once"):
            run.settle("a", 6, "finished")
        run.settle("b", 6, "finished")
        assert [] == ledger.check()
    assert (11, 0, 89) == tokens(run)


def test_runs_are_not_opened_within_a_batch(ledger: Ledger) -> None:
    with ledger.batch(), pytest.raises(InputError, match="A run is opened outside of a batch"):
        open_run(ledger)


@pytest.mark.parametrize("bad", [0, -1, 10**15 + 1, 10**30, 1.5, math.nan, "5", None])
def test_tokens_that_are_none(run: Run, bad: Any) -> None:
    for ask in (run.reserve, run.extend):
        with pytest.raises(InputError, match=r"The reservation of request 'a' is .*; it must be "):
            ask("a", bad)
    if bad != 0:
        with pytest.raises(InputError, match=r"The count of request 'a' is .*; it must be "):
            run.settle("a", bad, "finished")
    assert (0, 0, 100) == tokens(run)


def test_whole_numbers_of_numpy_are_tokens(run: Run) -> None:
    assert 60 == run.reserve("a", np.int64(60)).tokens
    run.settle("a", np.int32(60), "finished")
    assert (60, 0, 40) == tokens(run)


@pytest.mark.parametrize("bad", ["", "\ud800", None, 5])
def test_ids_that_are_none(run: Run, bad: Any) -> None:
    with pytest.raises(InputError, match="The request's id"):
        run.reserve(bad, 5)


@pytest.mark.parametrize("name", ["ü/ß 日本", "'; DROP TABLE runs; --", "a\0b", "x" * 5000, " ", "\n"])
def test_ids_are_any_text(run: Run, name: str) -> None:
    run.reserve(name, 5)
    run.settle(name, 5, name, {name: name})
    assert {name: {name: name}} == {request: outcome.payload for request, outcome in run.outcomes().items()}


def test_payloads_are_kept_as_they_are_but_for_what_is_no_json(run: Run) -> None:
    kept = {
        "text": "a\0b\u2028 日本 \U0001f600",
        "answer": None,
        "tokens": [1, {"token": "sk"}],
        "max_tokens": 3,
    }
    run.settle("a", 0, "abandoned", kept | {"price": math.nan, "best": math.inf, "pair": (1, 2)})
    run.settle("a", 0, "abandoned", kept | {"price": math.nan, "best": math.inf, "pair": (1, 2)})
    assert kept | {"price": None, "best": None, "pair": [1, 2]} == run.outcomes()["a"].payload
    run.settle("c", 0, "abandoned", {"half": "\ud83d", "two": ["\ud83d\ude00"]})
    assert {"half": "\ufffd", "two": ["😀"]} == run.outcomes()["c"].payload
    deep: list[Any] = []
    deep.append(deep)
    for bad in ({"a": object()}, {"a": b"bytes"}, {"a": deep}):
        with pytest.raises(InputError, match="The payload cannot be kept as JSON"):
            run.settle("b", 0, "abandoned", bad)


def test_secrets_are_not_kept(path: Path) -> None:
    settings = {
        "api_key": "hunter1secret",
        "headers": [{"Authorization": "hunter2secret"}],
        "token": "hunter3secret",
        "url": "https://me:hunter4secret@host/v1?api_key=hunter5secret&x=1",
        "note": "Bearer hunter6secret",
        "notes": ({"password": "hunter11secret"}, "sk-hunter12secret0"),
        "mapping": MappingProxyType({"api_key": "hunter13secret"}),
        "max_tokens": 5,
    }
    with Ledger(path) as ledger:
        run = open_run(ledger, settings=settings)
        run.reserve("a", 5)
        run.charge("a", 0, "401 for Bearer hunter7secret at https://me:hunter8secret@host, key sk-hunter9secret0")
        headers = {"headers": {"x-api-key": "hunter10secret"}, "tries": ({"cookie": "hunter14secret"},)}
        run.settle("a", 0, "failed", {"text": "kept", "request": headers})
        (info,) = ledger.runs()
        assert 5 == info.settings["max_tokens"]
        assert "https://host/v1?api_key=(not kept)&x=1" == info.settings["url"]
        contents = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"kept" in contents
    assert b"hunter" not in contents + path.read_bytes()


def test_rows_newest_first_and_in_order(run: Run, ledger: Ledger) -> None:
    for number in range(2500):
        run.settle(f"q{number * 7919 % 2500}", 0, "abandoned", {"number": number})
    assert list(range(2500)) == [outcome.payload["number"] for outcome in ledger.outcomes()]
    newest = ledger.newest(count=3)
    assert [2499, 2498, 2497] == [outcome.payload["number"] for outcome in newest]
    assert all(isinstance(outcome, Outcome) for outcome in newest)


def test_times_are_utc(run: Run, ledger: Ledger) -> None:
    run.reserve("a", 5)
    (attempt,) = ledger.attempts()
    assert isinstance(attempt, Attempt)
    assert attempt.opened.endswith("+00:00")
    assert (None, None) == (attempt.closed, attempt.charged)


def test_what_goes_wrong_in_a_batch_for_other_reasons_is_told_as_it_is(ledger: Ledger) -> None:
    with pytest.raises(json.JSONDecodeError), ledger.batch():
        json.loads("{")


def test_power_safe_ledgers_answer_the_same(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l", power_safe=True) as ledger:
        run = open_run(ledger)
        with ledger.batch():
            run.reserve("a", 60)
            run.settle("a", 25, "finished")
        assert (25, 0, 75) == tokens(run)
        assert 2 == ledger._db.execute("PRAGMA synchronous").fetchone()[0]


def test_the_file_can_be_read_without_us(run: Run, ledger: Ledger) -> None:
    run.reserve("a", 5)
    run.settle("a", 5, "finished", {"text": "日本"})
    row = ledger._db.execute("SELECT run, request, state, charged, payload FROM requests").fetchone()
    assert ("run", "a", "settled", 5, json.dumps({"text": "日本"}, ensure_ascii=False)) == row


def test_a_finished_run_makes_room_for_one_new_run(path: Path) -> None:
    with Ledger(path) as first, Ledger(path) as second:
        run = open_run(first)
        first.open_run("other", budget=5, settings={}, fingerprint="f")
        run.reserve("a", 60)
        run.settle("a", 25, "finished", PAYLOAD)
        with pytest.raises(InputError, match="go on with --resume"):
            second.open_run(budget=90, settings={}, fingerprint="g", replace=True)
        run.finish()
        new = second.open_run(budget=90, settings={}, fingerprint="g", replace=True)
        assert (90, {}) == (new.totals().budget, new.outcomes())
        with pytest.raises(InputError, match="go on with --resume"):
            first.open_run(budget=90, settings={}, fingerprint="g", replace=True)
        aside, *_ = (one.name for one in first.runs() if one.name not in ("run", "other"))
        assert aside.startswith("run 1, finished 20")
        assert {"finished": 1} == first.totals(aside).reasons
        assert [] == first.check()


def test_what_is_held_ahead_is_nobody_elses(run: Run) -> None:
    assert Grant(10, Answer.GRANTED, 45) == run.reserve("a", 10, ahead=80, among=2)
    assert Grant(0, Answer.HELD) == run.reserve("b", 60, least=50)
    assert Grant(0, Answer.HELD) == run.reserve("b", 5, ahead=60, enough=50)
    assert Grant(40, Answer.GRANTED) == run.reserve("b", 40)
    # It goes on with what was held for it, then with what is free.
    assert Grant(30, Answer.GRANTED, 25) == run.extend("a", 30)
    assert 30 == run.hold("a", 60)
    assert Grant(40, Answer.HELD) == run.extend("b", 41)
    # What its server made ahead was allowed, so nothing is overrun.
    run.settle("a", 55, "stopped")
    assert (55, 40, 0, 0) == (run.totals().spent, run.totals().reserved, run.totals().ahead, run.totals().overrun)
    assert Grant(45, Answer.NOTHING_LEFT) == run.extend("b", 60)
