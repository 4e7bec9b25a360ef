import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shadowprice.curves import ShiftedSurge
from shadowprice.pricing import Problem, Solution, Status, solve
from shadowprice.pricing._general import open_market
from shadowprice.pricing.clearing import clear, clear_by_auction
from shadowprice.pricing.compiled import _fast, solve_fast
from shadowprice.testing import assert_kkt, random_problem, random_surge


@pytest.fixture
def any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the fast solver take all but small markets as large."""
    monkeypatch.setattr(_fast, "LARGE", 20_000)


def fast(problem: Problem) -> Solution | None:
    curve = problem.curve
    assert isinstance(curve, ShiftedSurge)
    return solve_fast(curve.threshold, curve.alpha, curve.beta, problem.budget)


def general(problem: Problem) -> Solution:
    """The general solver, whatever `solve` would choose."""
    return open_market(problem, clear, None)


def certified(problem: Problem, found: Solution) -> Solution:
    assert found.status is (Status.OPTIMAL_WITHIN_GAP if found.price else Status.SATURATED)
    assert_kkt(problem, found)
    assert int(found.tokens.sum()) <= problem.budget
    assert not found.marginal_price or int(found.tokens.sum()) == np.floor(problem.budget)
    return found


def share_of(curve: ShiftedSurge, share: float) -> Problem:
    return Problem(curve, share * float(curve.peak_tokens().sum()))


@pytest.mark.parametrize("ascending", [False, True])
def test_small_markets_agree_with_the_general_solver_to_the_token(ascending: bool) -> None:
    rng = np.random.default_rng(0)
    solved = 0
    for seed in range(60):
        n = int(np.exp(rng.uniform(0.0, np.log(3000.0)))) + 1
        problem = share_of(random_surge(n, seed), rng.choice([rng.uniform(0.02, 0.95), 0.99, 1.0 + 1e-9, 2.0]))
        curve = problem.curve
        assert isinstance(curve, ShiftedSurge)
        found = solve_fast(curve.threshold, curve.alpha, curve.beta, problem.budget, ascending=ascending)
        if found is None:
            continue
        solved += 1
        certified(problem, found)
        expected = open_market(problem, clear_by_auction if ascending else clear, None)
        assert found.price == pytest.approx(expected.price, rel=1e-12)
        assert found.dual_bound == pytest.approx(expected.dual_bound, rel=1e-12)
        np.testing.assert_array_equal(expected.tokens, found.tokens)
        np.testing.assert_array_equal(expected.marginal, found.marginal)
        if ascending:
            # The finest ticks hang on the last bits of sums.
            rounds = min(len(found.path), len(expected.path)) - 3
            np.testing.assert_allclose(found.path[:rounds], expected.path[:rounds], rtol=1e-9)
            assert abs(len(found.path) - len(expected.path)) <= 3
    assert solved >= 50


def test_exchanges_are_made_by_the_fast_solver_too() -> None:
    exchanged = 0
    for seed in range(12):
        problem = share_of(random_surge(60, seed), 0.25)
        found = fast(problem)
        assert found is not None
        exchanged += found.marginal.size > 1
        np.testing.assert_array_equal(general(problem).tokens, found.tokens)
    assert exchanged > 0


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize("kind", ["usual", "sorted", "some without threshold", "identical"])
@pytest.mark.parametrize("share", [0.05, 0.4, 0.9])
def test_large_markets_agree_with_the_general_solver(kind: str, share: float) -> None:
    curve = random_surge(60_000, seed=3)
    if kind == "sorted":
        curve = curve.take(np.argsort(curve.threshold))
    elif kind == "some without threshold":
        curve = ShiftedSurge(np.where(np.arange(len(curve)) % 7, curve.threshold, 0.0), curve.alpha, curve.beta)
    elif kind == "identical":
        curve = ShiftedSurge.from_peak(np.full(len(curve), 500.0), 0.8, 0.005)
    problem = share_of(curve, share)
    found = fast(problem)
    if found is None:  # too few queries to certify that no plan is better
        return
    certified(problem, found)
    expected = general(problem)
    assert found.price == pytest.approx(expected.price, rel=1e-12)
    assert found.dual_bound == pytest.approx(expected.dual_bound, rel=1e-12)
    assert found.utility >= expected.utility * (1.0 - 1e-6)


@pytest.mark.parametrize("n", [2, 10, 37, 100, 730, 999, 1000, _fast.LARGE])
def test_usual_markets_are_taken(n: int) -> None:
    problem = random_problem(n, seed=1)
    found = fast(problem)
    assert found is not None
    certified(problem, found)


def test_of_equal_queries_the_lower_rows_get_the_tokens_that_are_left() -> None:
    curve = ShiftedSurge.from_peak(np.full(1000, 500.0), 0.8, 0.005)
    problem = share_of(curve, 0.5)
    found = fast(problem)
    assert found is not None
    certified(problem, found)
    funded = found.tokens[found.tokens > 0]
    assert (np.diff(funded) <= 0).all()
    assert funded.max() - funded.min() <= 1


scales = st.sampled_from([0.0, 1e-12, 1e-3, 1.0, 30.0, 1e3, 1e6, 1e12])
rates = st.sampled_from([1e-12, 1e-6, 0.003, 0.01, 0.5, 2.0, 1e3])


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 5, 40, 3000]),
    st.lists(st.tuples(scales, rates, rates), min_size=1, max_size=6),
    st.one_of(st.floats(0.0, 1.2), st.sampled_from([0.0, 1e-9, 1.0])),
)
@example(0, 3000, [(0.0, 1e-12, 1e-12), (0.0, 0.5, 0.01), (1e6, 1e3, 0.003)], 1e-9)  # no price above 0 uses it up
def test_nasty_markets_are_certified_or_left_alone(
    seed: int, n: int, kinds: list[tuple[float, float, float]], share: float
) -> None:
    rng = np.random.default_rng(seed)
    threshold, alpha, beta = np.array(kinds)[rng.integers(len(kinds), size=n)].T
    noise = rng.choice([1.0, 0.5, 2.0, 1.0 + 1e-15], size=(3, n))
    problem = share_of(ShiftedSurge(threshold * noise[0], alpha * noise[1], beta * noise[2]), share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_fast, "LARGE", 2000)
        found = fast(problem)
    if found is not None:
        certified(problem, found)


@pytest.mark.parametrize("budget", [0.0, 0.5, 1.0, 2.0**53, 1e300])
def test_budgets_that_are_not_for_it(budget: float) -> None:
    curve = random_surge(1000, seed=0)
    assert solve_fast(curve.threshold, curve.alpha, curve.beta, budget) is None


@pytest.mark.slow
def test_threads_change_nothing() -> None:
    program = (
        "import numba, sys; from shadowprice.pricing.compiled import solve_fast;"
        "from shadowprice.testing import random_problem;"
        "numba.set_num_threads(min(int(sys.argv[1]), numba.config.NUMBA_NUM_THREADS));"
        "p = random_problem(300_000, seed=2); c = p.curve;"
        "f = solve_fast(c.threshold, c.alpha, c.beta, p.budget);"
        "print(f.price.hex(), f.marginal_price.hex(), f.utility.hex(), f.dual_bound.hex(), hash(f.tokens.tobytes()))"
    )
    lines = {
        subprocess.run(
            [sys.executable, "-c", program, threads],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": "0"},
        ).stdout
        for threads in "12"
    }
    assert len(lines) == 1


@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_two_threads_may_solve_at_once(layer: str) -> None:
    program = (
        "from concurrent.futures import ThreadPoolExecutor; from shadowprice.pricing.compiled import solve_fast;"
        "from shadowprice.testing import random_problem;"
        "p = random_problem(200_000, seed=2); c = p.curve;"
        "solve = lambda _: solve_fast(c.threshold, c.alpha, c.beta, p.budget).utility;"
        "print(len(set(ThreadPoolExecutor(2).map(solve, range(6)))))"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"NUMBA_THREADING_LAYER": layer},
    )
    assert "1\n" == ended.stdout


def test_small_markets_from_two_threads() -> None:
    problems = [random_problem(1000, seed=seed) for seed in range(8)]
    alone = [fast(problem) for problem in problems]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(fast, problems))
    for one, other in zip(alone, together, strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.tokens, other.tokens)


@pytest.mark.slow
def test_a_hundred_million_queries_take_a_gigabyte_beyond_input_and_output() -> None:
    n = 100_000_000
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    if free < 5 * 2**30:
        pytest.skip(f"needs 5 GB of free memory, and there are {free / 2**30:.1f}")
    program = f"""
import resource
import numpy as np
from shadowprice.curves import ShiftedSurge
from shadowprice.pricing import Problem, solve

def market(n):
    columns = np.empty((3, n), np.float32)
    for start in range(0, n, 1_000_000):
        rng, part = np.random.default_rng(start), columns[:, start : start + 1_000_000]
        part[0] = np.exp(rng.standard_normal(part.shape[1], np.float32) * 0.8 + 6.5)
        part[2] = np.exp(rng.standard_normal(part.shape[1], np.float32) * 0.5 - 5.5)
        part[1] = part[2] * np.e * (0.2 + 0.8 * rng.random(part.shape[1], np.float32))
    return Problem(ShiftedSurge(*columns, copy=False), 500.0 * n)

solve(market(300_000))
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
solution = solve(market({n}))
beyond = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) - {n} * (3 * 4 + 8)
assert solution.tokens.sum() == 500 * {n}
assert 0.0 <= solution.gap <= 1e-5 * solution.utility
print(beyond)
"""
    beyond = int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
    assert beyond <= 10**9


def test_float32_is_used_as_it_is() -> None:
    curve = random_surge(_fast.LARGE, seed=5)
    tau, alpha, beta = (column.astype(np.float32) for column in (curve.threshold, curve.alpha, curve.beta))
    problem = share_of(ShiftedSurge(tau, alpha, beta), 0.5)
    found, same = solve_fast(tau, alpha, beta, problem.budget), fast(problem)
    assert found is not None
    assert same is not None
    certified(problem, found)
    assert found.price == pytest.approx(same.price, rel=1e-12)


@pytest.mark.parametrize("n", [900, 1500])
def test_a_hole_that_a_thousand_queries_do_not_fill(n: int) -> None:
    """One query bids most and cannot be had; so the others, who bid little, get all that they want."""
    rng = np.random.default_rng(0)
    small = ShiftedSurge.from_peak(
        rng.uniform(20.0, 60.0, n), rng.uniform(1e-3, 1e-2, n), 1.0 / rng.uniform(5.0, 20.0, n)
    )
    fields = ((small.threshold, 1e6), (small.alpha, 9e5 * 1e-4 * np.e), (small.beta, 1e-4))
    problem = Problem(ShiftedSurge(*(np.append(field, value) for field, value in fields)), 999_000)
    found = fast(problem)
    assert (n < 1000) == (found is not None)  # each joins by a pass over all: the general solver has its own bound
    np.testing.assert_array_equal(general(problem).tokens, solve(problem).tokens)


def test_where_large_markets_begin_both_ways_are_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = random_problem(_fast.LARGE, seed=3)
    large = fast(problem)
    monkeypatch.setattr(_fast, "LARGE", _fast.LARGE + 1)
    small = fast(problem)
    assert large is not None
    assert small is not None
    assert large.evaluations != small.evaluations
    assert large.utility == pytest.approx(small.utility, rel=1e-6)
    assert large.price == pytest.approx(small.price, rel=1e-6)


def test_what_the_way_of_large_markets_gives_up_goes_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from shadowprice.pricing.compiled._large import solve_large

    problem = random_problem(3000, seed=0)
    small, curve = fast(problem), problem.curve
    assert isinstance(curve, ShiftedSurge)
    assert solve_large(*_fast._alike(curve.threshold, curve.alpha, curve.beta), problem.budget) is None
    monkeypatch.setattr(_fast, "LARGE", 1000)
    found = fast(problem)
    assert small is not None
    assert found is not None
    assert np.array_equal(found.tokens, small.tokens)
