"""Surges fitted to half of the recorded replies, against the accuracy of the other half.

Replies with an even sample index are fitted and those with an odd one scored, then the other way round. Accuracy
is the share of replies that are right by t tokens, on 49 budgets from 64 to 4096 tokens, evenly spaced in log t; the
error is the root mean square over those budgets, in shares, per tier and over all tiers' budgets together.

    python benchmarks/surge_fit.py TRACES.parquet --plot surges.png
"""

import argparse
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.special import gammainc

from shadowprice._types import BoolArray, FloatArray
from shadowprice.beliefs import Evidence, SurgeFit, fit_surge_likelihood, measure_accuracy, plot_surges
from shadowprice.traces import Traces, read_traces

BUDGETS = np.geomspace(64.0, 4096.0, 49)


def replies(traces: Traces, keep: BoolArray) -> Evidence:
    """Some of the replies; all of the questions."""
    every = traces.evidence
    return Evidence(
        every.questions,
        every.query[keep],
        every.answer_tokens[keep],
        every.correct[keep],
        every.completion_tokens[keep],
        every.censored[keep],
    )


def rmse(curve: FloatArray, measured: FloatArray) -> FloatArray:
    """Per tier, then pooled."""
    square = (curve - measured) ** 2
    return np.asarray(np.sqrt(np.append(square.mean(axis=1), square.mean())), dtype=np.float64)


def emergence(fit: SurgeFit) -> FloatArray:
    """What the Gamma law itself says of answers' positions: p times its distribution function."""
    z = np.maximum(BUDGETS - fit.threshold[:, None], 0.0) * fit.beta[fit.group][:, None]
    share = fit.pass_rate[:, None] * gammainc(2.0, z)
    return np.array([share[fit.group == number].mean(axis=0) for number in range(len(fit.groups))])


def main() -> None:
    """Print the table, and write the plot of the first fold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    traces = read_traces(options.traces)
    odd = np.asarray(traces.table["sample_index"].to_numpy()) % 2 == 1
    for fold, scored in enumerate((odd, ~odd)):
        fitted = replies(traces, ~scored)
        held_out = measure_accuracy(replies(traces, scored), BUDGETS, traces.tiers)
        again = measure_accuracy(fitted, BUDGETS, traces.tiers)
        print(f"fold {fold}: {len(fitted)} replies fitted, {int(scored.sum())} scored")
        print(f"  {'RMSE, shares':42}" + "".join(f"{name:>9}" for name in (*held_out.groups, "pooled")))
        rows: list[tuple[str, FloatArray]] = []
        laws: tuple[Literal["rise", "gamma"], ...] = ("rise", "gamma")
        for law in laws:
            for labels in (traces.tiers, None):
                fit = fit_surge_likelihood(fitted, labels, law=law)
                name = f"{law} law, {'β per tier' if labels else 'one β for all'}"
                for forced in (False, True):
                    errors = rmse(fit.accuracy(BUDGETS, traces.tiers, forced=forced), held_out.accuracy)
                    rows.append((f"{name}, {'all spent' if forced else 'held at its peak'}", errors))
                if law == "gamma" and labels:
                    rows.append(("gamma law, its distribution function", rmse(emergence(fit), held_out.accuracy)))
                if law == "rise":
                    _describe(fit)
                    if labels and fold == 0 and options.plot:
                        plot_surges(fit, held_out).savefig(options.plot, dpi=150)
        rows.append(("the fitted half itself (noise)", rmse(again.accuracy, held_out.accuracy)))
        for name, errors in rows:
            print(f"  {name:42}" + "".join(f"{error:9.4f}" for error in errors))


def _describe(fit: SurgeFit) -> None:
    print("  tier     median τ   1/β   α per 1,000   spread of log τ   strays")
    for number, name in enumerate(fit.groups):
        tau = float(np.median(fit.threshold[fit.group == number]))
        print(
            f"  {name:8} {tau:8.0f} {1 / fit.beta[number]:5.0f} {1000 * fit.alpha[number]:13.3f} "
            f"{fit.spread[number]:17.2f} {fit.stray[number]:8.3f}"
        )


if __name__ == "__main__":
    main()
