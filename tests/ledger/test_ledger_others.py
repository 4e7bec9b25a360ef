"""Other connections on one ledger: what they hold, what the dead leave, and what is news."""

from pathlib import Path

import pytest

from ledgers import ledger as ledger
from ledgers import open_run, tokens
from ledgers import path as path
from ledgers import run as run
from shadowprice._errors import InputError
from shadowprice.ledger import Answer, Grant, Ledger, News, Recovered, Run, State


def test_another_connection_holds_its_own_requests(run: Run, path: Path) -> None:
    run.reserve("a", 40)
    with Ledger(path) as other:
        theirs = open_run(other)
        assert Recovered(0, 0) == theirs.recovered
        assert Grant(0, Answer.ELSEWHERE) == theirs.reserve("a", 10)
        for act in (
            lambda: theirs.settle("a", 10, "finished"),
            lambda: theirs.settle("a", 0, "abandoned"),
            lambda: theirs.charge("a", 10),
            lambda: theirs.release("a"),
            lambda: theirs.extend("a", 50),
        ):
            with pytest.raises(InputError, match="'a' is held by another process; leave it to that one"):
                act()
        assert Grant(60, Answer.GRANTED) == theirs.reserve("b", 100)
        theirs.settle("b", 60, "finished")
        assert (60, 40, 0) == tokens(run)


def test_reservations_of_the_dead_are_charged_in_full(run: Run, path: Path, ledger: Ledger) -> None:
    with Ledger(path) as other:
        theirs = open_run(other)
        theirs.reserve("a", 40)
        theirs.reserve("b", 10)
        theirs.settle("b", 5, "finished")
        assert Recovered(0, 0) == run.recover()
        assert News(55, 1, ["b"]) == run.news()
    assert Recovered(1, 40) == run.recover()
    assert News(55, 0, []) == run.news()
    assert None is run.news()
    assert Recovered(0, 0) == run.recover()
    assert (45, 0, 55) == tokens(run)
    assert 40 == run.totals().lost
    assert Grant(55, Answer.GRANTED) == run.reserve("a", 60)
    run.settle("a", 50, "finished")
    assert 95 == run.totals().spent
    assert [State.LOST, State.SETTLED] == [one.state for one in ledger.attempts(request="a")]
    assert [40] == [one.charged for one in ledger.attempts(state=State.LOST)]


def test_a_lost_request_that_is_given_up_stays_charged(run: Run, path: Path) -> None:
    with Ledger(path) as other:
        open_run(other).reserve("a", 40)
    run.recover()
    run.settle("a", 0, "abandoned")
    assert (40, 0, 60) == tokens(run)


def test_what_is_known_of_the_lost_corrects_their_charge(run: Run, path: Path) -> None:
    with Ledger(path) as other:
        open_run(other).reserve("a", 40)
    run.recover()
    run.correct("a", 1, 12)
    run.correct("a", 1, 12)
    assert (12, 0, 88) == tokens(run)
    run.reserve("b", 88)
    with pytest.raises(InputError, match="was charged 12 tokens for attempt 1, and the rest may be reserved by others"):
        run.correct("a", 1, 30)
    for attempt in (2, 7):
        with pytest.raises(InputError, match=f"has no lost attempt {attempt}; only attempts whose process died"):
            run.correct("a", attempt, 30)


def test_a_correction_shows_an_overrun(run: Run, path: Path) -> None:
    with Ledger(path) as other:
        open_run(other).reserve("a", 40)
    run.recover()
    run.correct("a", 1, 130)
    assert (130, 0, 0) == tokens(run)
    assert 90 == run.totals().overrun


def test_who_was_taken_for_dead_may_still_settle(run: Run, path: Path, tmp_path: Path) -> None:
    with Ledger(path) as other:
        theirs = open_run(other)
        before = set(tmp_path.glob("*-holder-*"))
        for request in "abc":
            run.reserve(request, 30)
        (ours,) = (lock for lock in before if lock.name not in _locks_of(other, tmp_path))
        ours.unlink()
        assert Recovered(3, 90) == theirs.recover()
        run.settle("a", 10, "finished")
        run.charge("b", 20)
        run.release("c")
        assert (30, 0, 70) == tokens(run)
        assert {"a"} == set(run.outcomes())


def _locks_of(ledger: Ledger, folder: Path) -> set[str]:
    assert ledger._lock is not None
    return {lock.name for lock in folder.glob(f"*-holder-{ledger._lock.mark}")}


def test_nothing_but_the_file_is_left_behind(path: Path) -> None:
    with Ledger(path) as ledger:
        open_run(ledger).reserve("a", 5)
    ledger.close()
    assert [path] == list(path.parent.iterdir())
    with Ledger(path, read_only=True) as ledger:
        assert 5 == ledger.totals().reserved
        with pytest.raises(InputError, match="A run is opened outside of a batch, in a ledger that is not read-only"):
            open_run(ledger)
    assert [path] == list(path.parent.iterdir())


def test_links_and_other_working_folders_lead_to_the_same_locks(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link"
    link.symlink_to(path)
    monkeypatch.chdir(tmp_path)
    with Ledger(path.name) as ledger, Ledger(link) as other:
        ours, theirs = open_run(ledger), open_run(other)
        ours.reserve("a", 10)
        theirs.reserve("b", 10)
        monkeypatch.chdir("folder")
        assert Recovered(0, 0) == ours.recover() == theirs.recover()
    assert {"folder", path.name} == {file.name for file in tmp_path.iterdir()}
    assert [link] == list((tmp_path / "folder").iterdir())


def test_news_tell_what_others_have_done(path: Path, run: Run) -> None:
    run.reserve("a", 10)
    run.settle("a", 4, "finished")
    first = run.news()
    assert first is not None
    assert (96, 0, ["a"]) == first
    run.reserve("b", 10)
    assert run.news() is None  # what we did ourselves is no news
    with Ledger(path) as other:
        theirs = open_run(other, resume=True)
        theirs.reserve("c", 20)
        assert (66, 1, []) == run.news()
        theirs.settle("c", 5, "finished")
    last = run.news()
    assert last is not None
    assert (81, 0, ["c"]) == last
