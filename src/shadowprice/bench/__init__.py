"""How good is a policy?"""

from shadowprice.bench._bench import BenchResult, Cell, default_budgets, run_bench
from shadowprice.bench._fit_report import (
    FitResult,
    format_estimate,
    format_figure,
    write_drift_report,
    write_fit_report,
)
from shadowprice.bench._priced import BudgetAccuracy, TierCurve, price_beliefs, tier_curves
from shadowprice.bench._report import write_report
from shadowprice.bench._streams import STREAM_SIZE, STREAMS, Stream, StreamSampler, get_stream
from shadowprice.bench._table import render_table

__all__ = [
    "STREAMS",
    "STREAM_SIZE",
    "BenchResult",
    "BudgetAccuracy",
    "Cell",
    "FitResult",
    "Stream",
    "StreamSampler",
    "TierCurve",
    "default_budgets",
    "format_estimate",
    "format_figure",
    "get_stream",
    "price_beliefs",
    "render_table",
    "run_bench",
    "tier_curves",
    "write_drift_report",
    "write_fit_report",
    "write_report",
]
