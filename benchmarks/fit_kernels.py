"""Regenerate the coefficients of `curves/_lambertw.py` and of `pricing/compiled/_kernels.py`; takes some minutes.

python benchmarks/fit_kernels.py

Both are minimax fits in relative error, computed in 60 digits: the error of the best fit of its degree reaches its
maximum, with alternating sign, between all of its zeros and beyond the outer ones.
"""

from itertools import pairwise

import mpmath as mp
import numpy as np

from shadowprice.curves._lambertw import OFFSET

_DIGITS = 60


def place(c: mp.mpf) -> mp.mpf:
    """The point of [0, e] that belongs to c in [−1, 1], dense towards −1/e, where W₀ branches."""
    low, high = mp.mpf(-1), mp.log(mp.e + mp.exp(-1))
    return min(max(mp.exp((low + high) / 2 + (high - low) / 2 * c) - mp.exp(-1), mp.mpf(0)), mp.e)


def decayed(z: mp.mpf) -> mp.mpf:
    """W₀(z)/z = e^(−W₀(z))."""
    return mp.exp(-mp.lambertw(z).real)


def through(points: list[mp.mpf], degree: int) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """The fraction of degree over degree that is `decayed` at 2·degree + 1 points; its denominator begins with 1."""
    size = 2 * degree + 1
    system, values = mp.matrix(size, size), mp.matrix(size, 1)
    for i, x in enumerate(points):
        y = decayed(x)
        for j in range(degree + 1):
            system[i, j] = x**j
        for j in range(1, degree + 1):
            system[i, degree + j] = -y * x**j
        values[i] = y
    solved = mp.lu_solve(system, values)
    return [solved[j] for j in range(degree + 1)], [mp.mpf(1), *(solved[degree + j] for j in range(1, degree + 1))]


def fit_fraction(degree: int = 9, rounds: int = 12) -> tuple[list[mp.mpf], list[mp.mpf], float]:
    """Move the zeros of the error, by Newton's method, until its maxima between them are equal to 5 %."""
    size = 2 * degree + 1
    steps = 24 * (size + 1)
    grid = [-mp.cos(mp.pi * i / steps) for i in range(steps + 1)]
    points, truth = [place(c) for c in grid], [decayed(place(c)) for c in grid]
    angle = np.pi * (2.0 * np.arange(size) + 1.0) / (2 * size)

    def maxima(angle: np.ndarray) -> tuple[np.ndarray, list[mp.mpf], list[mp.mpf]]:
        zeros = -np.cos(angle)
        top, bottom = through([place(mp.mpf(float(c))) for c in zeros], degree)
        error = np.array(
            [
                abs(float(mp.polyval(top[::-1], x) / mp.polyval(bottom[::-1], x) / y - 1))
                for x, y in zip(points, truth, strict=True)
            ]
        )
        edges = [0, *np.searchsorted([float(c) for c in grid], zeros), steps + 1]
        return np.log([error[a:b].max() for a, b in pairwise(edges)]), top, bottom

    for _ in range(rounds):
        level, top, bottom = maxima(angle)
        if np.ptp(level) < np.log(1.05):
            break
        small = 1e-3 / size
        slope = np.column_stack([(maxima(angle + small * row)[0] - level) / small for row in np.eye(size)])
        move = np.linalg.solve(np.hstack([slope, -np.ones((size + 1, 1))]), -level)[:size]
        most = 0.3 * np.diff([0.0, *angle, np.pi]).min()
        angle = angle + move * min(1.0, most / np.abs(move).max())
    return top, bottom, float(np.exp(level.max()))


def fit_polynomial(degree: int = 11, rounds: int = 8) -> tuple[list[mp.mpf], float]:
    """(1 − e^(−v))/v on [0, 1] by Remez exchange."""
    size = degree + 2
    nodes = [(1 - mp.cos(mp.pi * i / (size - 1))) / 2 for i in range(size)]
    grid = [(1 - mp.cos(mp.pi * i / (40 * size))) / 2 for i in range(40 * size + 1)]

    def truth(v: mp.mpf) -> mp.mpf:
        return -mp.expm1(-v) / v if v else mp.mpf(1)

    for _ in range(rounds):
        system, values = mp.matrix(size, size), mp.matrix(size, 1)
        for i, v in enumerate(nodes):
            for j in range(degree + 1):
                system[i, j] = v**j
            system[i, degree + 1] = (-1) ** i * truth(v)
            values[i] = truth(v)
        solved = mp.lu_solve(system, values)
        fit = [solved[j] for j in range(degree + 1)]
        error = [mp.polyval(fit[::-1], v) / truth(v) - 1 for v in grid]
        runs: list[list[int]] = [[0]]
        for i in range(1, len(grid)):
            if (error[i] > 0) != (error[runs[-1][-1]] > 0):
                runs.append([])
            runs[-1].append(i)
        if len(runs) != size:
            break
        nodes = [grid[max(run, key=lambda i: abs(error[i]))] for run in runs]
    return fit, float(max(abs(e) for e in error))


def main() -> None:
    """Print the coefficients as Python tuples."""
    mp.mp.dps = _DIGITS
    polynomial, error = fit_polynomial()
    print(f"DECAY = {tuple(float(c) for c in polynomial)}  # {error:.1e}")
    top, bottom, error = fit_fraction()
    print(f"NUMERATOR = {tuple(float(a - OFFSET * b) for a, b in zip(top, bottom, strict=True))}  # {error:.1e}")
    print(f"DENOMINATOR = {tuple(float(b) for b in bottom)}")


if __name__ == "__main__":
    main()
