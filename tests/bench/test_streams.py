import numpy as np
import pyarrow as pa
import pytest

from shadowprice._errors import InputError
from shadowprice.bench import AS_RECORDED, STREAMS, StreamSampler, default_streams, get_stream
from shadowprice.traces import Traces


def tiers(easy: int, medium: int, hard: int) -> Traces:
    labels = ["easy"] * easy + ["medium"] * medium + ["hard"] * hard
    return Traces(pa.table({"tier": labels}), np.arange(len(labels)), "made up")


MIXES = {
    "balanced": (167, 167, 166),
    "mostly-easy": (400, 50, 50),
    "mostly-hard": (50, 50, 400),
    "u-shaped": (225, 50, 225),
}


def test_the_papers_four_streams_and_the_traces_as_they_are() -> None:
    assert list(STREAMS) == [*MIXES, AS_RECORDED]
    for name in MIXES:
        assert pytest.approx(1.0) == sum(STREAMS[name].shares or ())
    assert STREAMS[AS_RECORDED].shares is None


def test_as_recorded_draws_like_the_questions_with_replacement() -> None:
    sampler = StreamSampler(tiers(1, 0, 39), get_stream(AS_RECORDED))
    drawn = [sampler.draw(np.random.default_rng(seed)) for seed in range(400)]
    assert {40} == {sampler.size} == {len(one) for one in drawn}
    # Each question comes once in the mean, and not always.
    counts = np.array([np.bincount(one, minlength=40) for one in drawn])
    assert np.abs(counts.mean(axis=0) - 1.0).max() < 0.25
    assert counts.max() > 1
    assert 500 == StreamSampler(tiers(600, 500, 450), get_stream(AS_RECORDED)).size


def plain(questions: int, **columns: list[str]) -> Traces:
    names = [f"q{number}" for number in range(questions)]
    ones = np.ones(questions, dtype=np.int64)
    table = {"question": names, "correct": [number % 2 == 0 for number in range(questions)]}
    return Traces(pa.table(table | {"completion_tokens": ones} | columns), np.arange(questions), "made up")


def test_streams_that_fit_are_taken_if_nobody_chooses() -> None:
    assert tuple(MIXES) == default_streams(tiers(2, 1, 3))
    assert (AS_RECORDED, *MIXES) == default_streams(plain(90))
    assert (AS_RECORDED,) == default_streams(plain(89))
    assert (AS_RECORDED,) == default_streams(plain(200, tier=["easy"] * 200))
    assert (AS_RECORDED, *MIXES) == default_streams(plain(200, dataset=["one", "other"] * 100))


@pytest.mark.parametrize("name", MIXES)
def test_a_stream_is_mixed_from_tiers_without_replacement(name: str) -> None:
    traces = tiers(600, 500, 450)
    sampler = StreamSampler(traces, get_stream(name))
    drawn = sampler.draw(np.random.default_rng(0))
    assert sampler.size == len(drawn) == len(set(drawn.tolist())) == 500
    labels = [traces.tiers[query] for query in drawn]
    assert tuple(labels.count(tier) for tier in ("easy", "medium", "hard")) == MIXES[name]


@pytest.mark.parametrize(
    ("name", "sizes", "size"),
    [("balanced", (30, 40, 50), 90), ("mostly-easy", (40, 40, 40), 50), ("u-shaped", (45, 5, 90), 50)],
)
def test_a_small_tier_shrinks_the_stream(name: str, sizes: tuple[int, int, int], size: int) -> None:
    sampler = StreamSampler(tiers(*sizes), get_stream(name))
    assert size == sampler.size
    assert size == len(sampler.draw(np.random.default_rng(1)))


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 1, 3), (7, 5, 11), (13, 6, 9)])
def test_tiny_tiers_give_as_many_queries_as_they_say(name: str, sizes: tuple[int, int, int]) -> None:
    sampler = StreamSampler(tiers(*sizes), get_stream(name))
    assert len(sampler.draw(np.random.default_rng(2))) == sampler.size


def test_draws_differ_by_seed_only() -> None:
    sampler = StreamSampler(tiers(600, 500, 450), get_stream("balanced"))
    first, again, other = (sampler.draw(np.random.default_rng(seed)).tolist() for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_an_absent_tier_is_named() -> None:
    with pytest.raises(InputError, match=r"made up has no questions in the tier 'hard', .* mostly-hard is made to 80%"):
        StreamSampler(tiers(5, 5, 0), get_stream("mostly-hard"))


def test_an_unknown_stream_is_named() -> None:
    with pytest.raises(InputError, match="There is no stream 'odd'; choose from balanced, mostly-easy"):
        get_stream("odd")
