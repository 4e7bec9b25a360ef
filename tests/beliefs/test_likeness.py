import numpy as np
import pytest

from shadowprice.beliefs import Likeness, Reference, likeness
from shadowprice.tasks import make_questions
from shadowprice.traces import read_traces

RIDDLES = [
    f"{who} lives {where} and owns {what}; which neighbour keeps a tortoise under the stairs?"
    for who in ("The baker", "A widow", "My cousin", "Old Harriet")
    for where in ("by the river", "over the tavern", "beyond the mill")
    for what in ("a violin", "two clocks", "a boat")
]


@pytest.fixture(scope="module")
def bundled() -> Reference:
    traces = read_traces("bundled")
    return Reference.of(traces.questions, np.zeros(traces.n_queries))


def older(reference: Reference) -> Reference:
    return Reference(reference.questions, reference.words, reference.lengths, reference.believed, reference.unknown)


@pytest.mark.parametrize("as_older", [False, True])
def test_unseen_questions_of_the_same_families_are_like_them(bundled: Reference, as_older: bool) -> None:
    reference = older(bundled) if as_older else bundled
    seen = set(read_traces("bundled").questions)
    unseen = [one.question for one in make_questions(count=40, seed=99) if one.question not in seen]
    found = likeness(reference, unseen)
    assert len(unseen) == found.looked_at > 150
    assert found.share > 0.9
    assert found.enough
    rng = np.random.default_rng(0)
    alarms = [not likeness(reference, list(rng.choice(unseen, 10, replace=False))).enough for _ in range(100)]
    assert np.mean(alarms) <= 0.05


@pytest.mark.parametrize("as_older", [False, True])
def test_questions_of_other_kinds_are_not(bundled: Reference, as_older: bool) -> None:
    found = likeness(older(bundled) if as_older else bundled, RIDDLES)
    assert found.share < 0.2
    assert not found.enough


def test_longer_or_shorter_ones_are_not(bundled: Reference) -> None:
    sums = read_traces("bundled").questions[:20]
    assert likeness(bundled, sums).enough
    assert 0 == likeness(bundled, ["\n".join(sums * 20)] * 3).like


def test_chance_is_allowed_for() -> None:
    assert [False, True, True, False] == [Likeness(n, like).enough for n, like in ((1, 0), (2, 1), (9, 8), (9, 6))]
    assert [True, True, False] == [Likeness(n, like).enough for n, like in ((0, 0), (1000, 670), (1000, 660))]
    assert 1.0 == Likeness(0, 0).share


def test_of_many_questions_every_so_manieth_is_looked_at(bundled: Reference) -> None:
    assert 1_750 == likeness(bundled, ["What is 1 + 1?"] * 7_000).looked_at
