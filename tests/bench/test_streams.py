import numpy as np
import pyarrow as pa
import pytest

from shadowprice._errors import InputError
from shadowprice.bench import STREAMS, StreamSampler, get_stream
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


def test_the_four_streams() -> None:
    assert list(STREAMS) == list(MIXES)
    for stream in STREAMS.values():
        assert pytest.approx(1.0) == sum(stream.shares)


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
