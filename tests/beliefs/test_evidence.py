import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Evidence, Outcomes
from shadowprice.traces import Traces, read_traces

QUESTIONS = ["One?", "Two?", "Three?"]


def test_what_is_not_said_is_filled_in() -> None:
    evidence = Evidence(QUESTIONS, np.array([0, 2]), np.array([5, 7]), np.array([True, False]))
    assert [5, 7] == evidence.completion_tokens.tolist()
    assert [False, False] == evidence.censored.tolist()
    assert [1.0, 1.0] == evidence.weight.tolist()
    assert (2, 3) == (len(evidence), evidence.n_queries)


def test_a_right_reply_is_not_censored_whatever_came_after_its_answer() -> None:
    cut = np.array([True, True])
    evidence = Evidence(QUESTIONS, np.array([0, 1]), np.array([5, 7]), np.array([True, False]), censored=cut)
    assert [False, True] == evidence.censored.tolist()


def test_lengths_must_agree() -> None:
    with pytest.raises(InputError, match=r"correct must have one entry for each of 2 replies, but its shape is \(1,\)"):
        Evidence(QUESTIONS, np.array([0, 1]), np.array([3, 4]), np.array([True]))
    with pytest.raises(InputError, match="2 replies but 1 completions"):
        Evidence(QUESTIONS, np.array([0, 1]), np.array([3, 4]), np.array([True, True]), completions=["x"])


def test_every_reply_answers_a_question() -> None:
    with pytest.raises(InputError, match="query must number 3 questions from 0, but reaches 3"):
        Evidence(QUESTIONS, np.array([0, 3]), np.array([3, 4]), np.array([True, True]))


def test_a_part_of_the_questions_takes_its_replies_along(sums: Traces) -> None:
    keep = np.arange(sums.n_queries) % 3 == 1
    part = sums.evidence.of_questions(keep)
    rows = np.flatnonzero(keep[sums.query])
    assert [sums.questions[sums.query[row]] for row in rows] == [part.questions[number] for number in part.query]
    assert sums.answer_tokens[rows].tolist() == part.answer_tokens.tolist()
    assert part.completions == (sums.evidence.completions and [sums.evidence.completions[int(row)] for row in rows])


def test_bundled_traces_say_who_was_cut_off() -> None:
    traces = read_traces("bundled")
    evidence = traces.evidence
    cut = traces.table["finish_reason"].to_numpy() == "length"
    assert 0 < evidence.censored.sum() == (cut & ~traces.correct).sum()
    assert evidence.completions is not None


def test_outcomes_are_curves_and_join_on_one_grid() -> None:
    grid = np.array([10.0, 20.0])
    half = Outcomes(grid, np.array([[0.1, 0.4]]), np.array([[0.2, 0.9]]))
    beliefs = Beliefs(np.ones(1), np.ones(1), np.ones(1), half)
    both = Beliefs.concatenate([beliefs, beliefs])
    assert both.outcomes is not None
    assert [0.25, 0.25] == pytest.approx(both.outcomes.curve.value(np.array([15.0, 15.0])).tolist())
    assert 1 == len(both.take(np.array([True, False])).outcomes or [])
    with pytest.raises(InputError, match="different grids"):
        Outcomes.concatenate([half, Outcomes(grid + 1.0, half.right, half.finished)])


def test_nobody_learns_of_a_held_out_question_from_another_model() -> None:
    def replies(*questions: str) -> Evidence:
        n = len(questions)
        return Evidence(questions, np.arange(n), np.full(n, 5), np.ones(n))

    evidence = replies("One?", "Two?", "Two?").beside([replies("Two?", "Three?"), replies("One?")])
    part = evidence.of_questions(np.array([True, False, False]))
    assert [["Three?"], ["One?"]] == [list(other.questions) for other in part.others]
    kept = evidence.of_questions(np.array([True, True, False]))
    assert [["Two?", "Three?"], ["One?"]] == [list(other.questions) for other in kept.others]
    bare = evidence.without({"One?", "Three?"})
    assert ["Two?", "Two?"] == bare.questions
    assert [1, 0] == [len(other) for other in bare.others]
    assert 0 == len(evidence.beside([]).others)
