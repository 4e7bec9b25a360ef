"""Beliefs that know how sure the model has been, and those that do not."""

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs import (
    CONFIDENCE_GRID,
    Beliefs,
    ConfidenceSoFar,
    Evidence,
    Outcomes,
    PriorPredictor,
    Progress,
    RunningPredictor,
    WatchedOutlook,
    known_confidence,
    summarise,
)
from shadowprice.beliefs.saved._sound import check_sound
from shadowprice.traces import read_traces

SMALL = RunningPredictor(n_landmarks=6, n_components=4, n_trees=20)


def figures(count: int, level: float, seed: int) -> FloatArray:
    """Log-probabilities and entropies of a reply's tokens."""
    rng = np.random.default_rng(seed)
    return np.column_stack([-level * rng.exponential(1.0, count), level * rng.exponential(1.5, count)])


@pytest.fixture(scope="module")
def told() -> Evidence:
    """Recorded replies; wrong ones were written less surely, mostly."""
    evidence = read_traces("bundled").evidence
    evidence = evidence.of_questions(np.arange(evidence.n_queries) < 300)
    rng = np.random.default_rng(0)
    level = np.where(evidence.correct, 0.1, 0.25) * rng.lognormal(0.0, 0.4, len(evidence))
    found = np.full((len(evidence), len(CONFIDENCE_GRID), 4), np.nan)
    for row, length in enumerate(evidence.completion_tokens.tolist()):
        kept = summarise(figures(length, level[row], row), np.arange(1, length + 1), length)
        found[row, : len(kept)] = kept
    return _with(evidence, found)


def _with(evidence: Evidence, confidence: FloatArray | None) -> Evidence:
    return Evidence(
        evidence.questions,
        evidence.query,
        evidence.answer_tokens,
        evidence.correct,
        evidence.completion_tokens,
        evidence.censored,
        completions=evidence.completions,
        confidence=confidence,
    )


def prior(evidence: Evidence) -> tuple[Beliefs, Outcomes]:
    beliefs = PriorPredictor().predict(evidence.questions)
    assert beliefs.outcomes is not None
    return beliefs, beliefs.outcomes


@pytest.fixture(scope="module")
def halves(told: Evidence) -> tuple[Evidence, Evidence]:
    even = np.arange(told.n_queries) % 2 == 0
    return told.of_questions(even), told.of_questions(~even)


@pytest.fixture(scope="module")
def fitted(halves: tuple[Evidence, Evidence]) -> RunningPredictor:
    model: RunningPredictor = clone(SMALL)
    return model.fit(halves[0], prior(halves[0])[0])


def test_what_is_kept_by_hand() -> None:
    values = figures(40, 0.3, 1)
    kept = summarise(values, np.arange(1, 41), 41)
    assert np.count_nonzero(CONFIDENCE_GRID <= 41) == len(kept)
    for place, (mean, lowest, entropy, slope) in enumerate(kept):
        seen = values[: int(CONFIDENCE_GRID[place])]
        stretches = [seen[max(0, end - 16) : end, 0].mean() for end in range(min(16, len(seen)), len(seen) + 1)]
        half = int(CONFIDENCE_GRID[place - 3]) if place >= 3 else 0
        rise = seen[half:, 1].mean() - seen[:half, 1].mean() if half else 0.0
        assert (seen[:, 0].mean(), min(stretches), seen[:, 1].mean(), rise) == pytest.approx(
            (mean, lowest, entropy, slope)
        )


def test_pieces_of_any_size_say_what_the_whole_reply_says() -> None:
    values, rng = figures(90, 0.3, 2), np.random.default_rng(0)
    whole = summarise(values, np.arange(1, 91), 90)
    live, read = ConfidenceSoFar(2), 0
    while read < 90:
        size = min(90 - read, int(rng.integers(1, 9)))
        live.update(1, read + size, values[read : read + size])
        read += size
        (now,) = live.at(np.array([1]), np.array([float(read)]))
        place = int(np.searchsorted(CONFIDENCE_GRID, read, side="right")) - 1
        np.testing.assert_allclose(now, whole[place] if place >= 0 else np.full(4, np.nan))
    live.restart(np.array([1]))
    assert np.isnan(live.at(np.array([1]), np.array([90.0]))).all()


@pytest.mark.parametrize("constant", [0.0, -20.0])
def test_the_same_of_every_token_says_nothing(constant: float) -> None:
    assert np.isnan(summarise(np.full((50, 2), constant), np.arange(1, 51), 50)).all()


def test_how_sure_the_model_was_tells_more_than_the_text(
    fitted: RunningPredictor, halves: tuple[Evidence, Evidence]
) -> None:
    unseen = halves[1]
    rows = np.flatnonzero(unseen.completion_tokens > 24)
    tokens = np.full(len(rows), 24.0)
    to_come = unseen.correct[rows] & (unseen.answer_tokens[rows] > 24)
    outcomes, said = prior(unseen)[1].take(unseen.query[rows]), fitted.read(unseen, rows, tokens)
    by_text = fitted.predict(outcomes, tokens, said).right[:, -1]
    by_both = fitted.predict(outcomes, tokens, said, known_confidence(unseen, rows, tokens)).right[:, -1]
    assert roc_auc_score(to_come, by_both) > roc_auc_score(to_come, by_text) + 0.03


def test_a_reply_of_which_nothing_is_known_is_believed_as_if_it_had_never_been(
    fitted: RunningPredictor, halves: tuple[Evidence, Evidence]
) -> None:
    known, unseen = halves
    bare: RunningPredictor = clone(SMALL)
    bare.fit(_with(known, None), prior(known)[0])
    assert (True, False) == (fitted.knows_confidence, bare.knows_confidence)
    rows = np.arange(200)
    tokens = np.minimum(20.0, unseen.completion_tokens[rows] - 1.0)
    outcomes, said = prior(unseen)[1].take(unseen.query[rows]), bare.read(unseen, rows, tokens)
    expected = bare.predict(outcomes, tokens, said)
    # Some are known: the others must not be touched by it.
    sure = known_confidence(unseen, rows, tokens)
    assert sure is not None
    sure[::2] = np.nan
    for confidence, same in ((None, slice(None)), (sure, slice(None, None, 2))):
        found = fitted.predict(outcomes, tokens, said, confidence)
        # Sums of other numbers of rows differ in the last bit.
        np.testing.assert_allclose(found.right[same], expected.right[same], atol=1e-12)
        np.testing.assert_allclose(found.finished[same], expected.finished[same], atol=1e-12)
    # Nor does a predictor that has not learnt from it listen.
    np.testing.assert_array_equal(bare.predict(outcomes, tokens, said, sure).right, expected.right)


def test_what_is_heard_live_is_what_is_read_back(fitted: RunningPredictor, halves: tuple[Evidence, Evidence]) -> None:
    unseen = halves[1]
    assert unseen.completions is not None
    outcomes, values = prior(unseen)[1], figures(40, 0.2, 7)
    row = int(np.flatnonzero(unseen.completion_tokens > 50)[0])
    ids, text, now = unseen.query[[row]], unseen.completions[row][:60], np.array([40])
    outlook, deaf = WatchedOutlook(outcomes, fitted), WatchedOutlook(outcomes, fitted)
    for start in range(0, 40, 5):
        outlook.hear(int(ids[0]), start + 5, [(a, b) for a, b in values[start : start + 5]])
    for one in (outlook, deaf):
        one.read(ids, [text])
    progress = Progress(1, fitted.words_)
    progress.update(np.array([0]), [text])
    said, sure = progress.features(np.array([0])), summarise(values, np.arange(1, 41), 40)[-1:]
    for one, told in ((outlook, sure), (deaf, None)):
        expected = fitted.predict(outcomes.take(ids), now.astype(np.float64), said, told)
        np.testing.assert_allclose(one.outcomes(ids, now).right, expected.right, atol=1e-12)
    outlook.forget(ids)
    outlook.read(ids, [text])
    np.testing.assert_allclose(outlook.outcomes(ids, now).right, deaf.outcomes(ids, now).right, atol=1e-12)


def test_a_file_keeps_it_and_a_damaged_one_is_noticed(fitted: RunningPredictor) -> None:
    whole = skops.io.dumps(fitted)
    loaded = skops.io.loads(whole, trusted=skops.io.get_untrusted_types(data=whole))
    check_sound(loaded)
    assert loaded.knows_confidence
    loaded.by_sure_text_ = loaded.by_text_
    with pytest.raises(ValueError, match="not those that the model was fitted on"):
        check_sound(loaded)


def test_a_file_from_before_knows_nothing_of_it(fitted: RunningPredictor) -> None:
    older: RunningPredictor = clone(SMALL)
    kept = {name: value for name, value in vars(fitted).items() if "sure" not in name and name != "confidence"}
    older.__dict__.clear()
    older.__dict__.update(kept)
    check_sound(older)
    assert not older.knows_confidence
    assert clone(older).get_params() == older.get_params()


def test_a_confidence_of_the_wrong_shape_is_named(fitted: RunningPredictor, halves: tuple[Evidence, Evidence]) -> None:
    outcomes = prior(halves[1])[1]
    n = len(outcomes)
    said = np.zeros((n, fitted.read(halves[1], np.array([0]), np.array([1.0])).shape[1]))
    with pytest.raises(InputError, match="confidence must have shape"):
        fitted.predict(outcomes, np.ones(n), said, np.zeros((n, 3)))
