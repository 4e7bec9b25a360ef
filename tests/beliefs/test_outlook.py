import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import Outcomes, Outlook, PriorPredictor, RunningPredictor, WatchedOutlook, given_running
from shadowprice.traces import read_traces

TEXT = "1 + 1 is 2. So it is 2. Wait, let me check: 1 + 1 = 2.\nAnswer: 2\n"


@pytest.fixture(scope="module")
def running() -> RunningPredictor:
    evidence = read_traces("bundled").evidence
    few = evidence.of_questions(np.arange(evidence.n_queries) < 200)
    return RunningPredictor(n_landmarks=6, n_components=4, n_trees=20).fit(few, PriorPredictor().predict(few.questions))


@pytest.fixture
def before() -> Outcomes:
    outcomes = PriorPredictor().predict([f"What is {number} + 1?" for number in range(100)]).outcomes
    assert outcomes is not None
    return outcomes


def test_time_alone_is_bayes_rule(before: Outcomes) -> None:
    ids, now = np.array([3, 1]), np.array([0, 20])
    found = Outlook(before).outcomes(ids, now)
    expected = given_running(before.take(ids), now.astype(np.float64))
    assert np.array_equal(expected.right, found.right)
    assert np.array_equal(expected.finished, found.finished)


def test_text_is_read_piece_by_piece(before: Outcomes, running: RunningPredictor) -> None:
    whole, pieces = WatchedOutlook(before, running), WatchedOutlook(before, running)
    whole.read(np.array([4]), [TEXT])
    for start in range(0, len(TEXT), 7):
        pieces.read(np.array([4]), [TEXT[start : start + 7]])
    now = np.array([30])
    assert np.array_equal(whole.outcomes(np.array([4]), now).right, pieces.outcomes(np.array([4]), now).right)
    silent = WatchedOutlook(before, running).outcomes(np.array([4]), now)
    assert not np.array_equal(silent.right, whole.outcomes(np.array([4]), now).right)


def test_each_query_has_a_text_of_its_own_however_many_there_are(before: Outcomes, running: RunningPredictor) -> None:
    many, one = WatchedOutlook(before, running), WatchedOutlook(before, running)
    texts = [TEXT[: 10 + number // 2] for number in range(100)]
    many.read(np.arange(100), texts)
    one.read(np.array([70]), [texts[70]])
    now = np.full(1, 25)
    assert np.array_equal(one.outcomes(np.array([70]), now).right, many.outcomes(np.array([70]), now).right)


def test_what_was_forgotten_is_not_mixed_with_what_follows(before: Outcomes, running: RunningPredictor) -> None:
    reused, fresh = WatchedOutlook(before, running), WatchedOutlook(before, running)
    reused.read(np.arange(64), [TEXT * 3] * 64)
    reused.forget(np.arange(64))
    for outlook in (reused, fresh):
        outlook.read(np.array([80]), [TEXT])
    now = np.full(1, 40)
    assert np.array_equal(fresh.outcomes(np.array([80]), now).right, reused.outcomes(np.array([80]), now).right)
    # A query that was forgotten is believed by its token count alone again.
    assert np.array_equal(
        WatchedOutlook(before, running).outcomes(np.array([3]), now).right, reused.outcomes(np.array([3]), now).right
    )


@pytest.mark.parametrize(("ids", "texts"), [([1, 2], ["a"]), ([1, 1], ["a", "b"])])
def test_each_row_is_read_once(before: Outcomes, running: RunningPredictor, ids: list[int], texts: list[str]) -> None:
    with pytest.raises(InputError, match="give each row once, with one text"):
        WatchedOutlook(before, running).read(np.array(ids), texts)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_still_ahead_is_counted_as_the_formula_says(seed: int) -> None:
    """To the last bit, at the start, on grid points, between them, at the end and beyond it."""
    rng = np.random.default_rng(seed)
    points, n = int(rng.integers(1, 12)), int(rng.integers(0, 9))
    grid = np.cumsum(rng.integers(1, 50, points)).astype(np.float64)
    right = np.maximum.accumulate(rng.random((n, points)), axis=1)
    finished = np.ones((n, points)) if seed == 0 else np.maximum.accumulate(rng.random((n, points)), axis=1)
    tokens = rng.choice([0.0, grid[0], grid[-1], grid[-1] + 5.0, *rng.uniform(0.0, grid[-1], 4)], n)
    before = Outcomes(grid, right, finished)
    now = given_running(before, tokens)
    for table, found, until in zip((right, finished), (now.right, now.finished), before.at(tokens), strict=True):
        running = np.maximum(1.0 - before.at(tokens)[1], 1e-9)
        share = np.clip((table - until[:, None]) / running[:, None], 0.0, 1.0)
        assert np.array_equal(np.where(grid > tokens[:, None], share, 0.0), found)
