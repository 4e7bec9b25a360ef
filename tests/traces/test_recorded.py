import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, PriorPredictor, RunningPredictor
from shadowprice.traces import RecordedOutlook, Traces, read_traces


@pytest.fixture(scope="module")
def bundled() -> Traces:
    return read_traces("bundled")


@pytest.fixture(scope="module")
def beliefs(bundled: Traces) -> Beliefs:
    return PriorPredictor().predict(bundled.questions)


@pytest.fixture(scope="module")
def running(bundled: Traces, beliefs: Beliefs) -> RunningPredictor:
    few = np.arange(bundled.n_queries) < 200
    model = RunningPredictor(n_landmarks=6, n_components=4, n_trees=20)
    return model.fit(bundled.evidence.of_questions(few), beliefs.take(few))


def test_every_moment_is_what_the_predictor_says_then(
    bundled: Traces, beliefs: Beliefs, running: RunningPredictor
) -> None:
    rows = np.array([3000, 4001, 5003])
    outlook = RecordedOutlook.of(bundled, beliefs, running, rows)
    assert beliefs.outcomes is not None
    for moment in (0.0, *beliefs.outcomes.tokens[:5]):
        ids = np.flatnonzero(bundled.completion_tokens[rows] > moment)
        now = np.full(len(ids), moment)
        said = running.read(bundled.evidence, rows[ids], now)
        expected = running.predict(beliefs.outcomes.take(bundled.query[rows[ids]]), now, said)
        found = outlook.outcomes(ids, now.astype(np.int64))
        assert expected.right == pytest.approx(found.right, abs=1e-6)
        assert expected.finished == pytest.approx(found.finished, abs=1e-6)


def test_between_two_moments_the_earlier_one_holds(
    bundled: Traces, beliefs: Beliefs, running: RunningPredictor
) -> None:
    outlook = RecordedOutlook.of(bundled, beliefs, running, np.array([5999]))
    ids = np.zeros(1, dtype=np.int64)
    first, second, later = (outlook.outcomes(ids, np.array([now])).right for now in (10, 12, 13))
    assert np.array_equal(first, second)
    assert not np.array_equal(second, later)


def test_replies_can_be_taken_and_joined_in_any_order(
    bundled: Traces, beliefs: Beliefs, running: RunningPredictor
) -> None:
    rows = np.array([10, 5000, 3000, 5999])
    whole = RecordedOutlook.of(bundled, beliefs, running, rows)
    parts = [RecordedOutlook.of(bundled, beliefs, running, rows[part]) for part in ([2, 0], [3, 1])]
    joined = RecordedOutlook.concatenate(parts).take(np.array([1, 3, 0, 2]))
    ids = np.arange(4)
    for now in (0, 8, 20):
        at = np.full(4, now)
        assert np.array_equal(whole.outcomes(ids, at).right, joined.outcomes(ids, at).right)
    assert np.array_equal(whole.before.right, joined.before.right)


def test_beliefs_without_outcomes_do_not_do(bundled: Traces, running: RunningPredictor) -> None:
    with pytest.raises(InputError, match="The beliefs have no outcomes to go on from; make them with"):
        RecordedOutlook.of(bundled, Beliefs.certain(np.ones(bundled.n_queries)), running, np.arange(3))
