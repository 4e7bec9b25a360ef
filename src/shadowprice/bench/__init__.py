"""How good is a policy?

What learns or draws is imported when it is first used: that takes as long as a small bench.
"""

from typing import TYPE_CHECKING

from shadowprice._lazy import lazily
from shadowprice.bench._ablations import ABLATIONS, ablation
from shadowprice.bench._bench import Entrant, check_bench, compare, default_budgets, run_bench
from shadowprice.bench._kept import kept_forecast
from shadowprice.bench._priced import BudgetAccuracy, TierCurve, price_beliefs, tier_curves
from shadowprice.bench._recipe import Forecasts, Recipe
from shadowprice.bench._result import BenchResult, Cell
from shadowprice.bench._stories import Fact, Story, believed, story
from shadowprice.bench._streams import (
    AS_RECORDED,
    STREAM_SIZE,
    STREAMS,
    Stream,
    StreamSampler,
    default_streams,
    get_stream,
)

if TYPE_CHECKING:
    from shadowprice.bench._fit_report import (
        FitResult,
        format_estimate,
        format_figure,
        write_drift_report,
        write_fit_report,
    )
    from shadowprice.bench._forecasts import forecast
    from shadowprice.bench._report import write_report
    from shadowprice.bench._run_plots import Track
    from shadowprice.bench._run_report import Rows, RunSheet, write_run_report
    from shadowprice.bench._what_if_plots import check_plot_name, write_what_if_plot

__all__ = [
    "ABLATIONS",
    "AS_RECORDED",
    "STREAMS",
    "STREAM_SIZE",
    "BenchResult",
    "BudgetAccuracy",
    "Cell",
    "Entrant",
    "Fact",
    "FitResult",
    "Forecasts",
    "Recipe",
    "Rows",
    "RunSheet",
    "Story",
    "Stream",
    "StreamSampler",
    "TierCurve",
    "Track",
    "ablation",
    "believed",
    "check_bench",
    "check_plot_name",
    "compare",
    "default_budgets",
    "default_streams",
    "forecast",
    "format_estimate",
    "format_figure",
    "get_stream",
    "kept_forecast",
    "price_beliefs",
    "run_bench",
    "story",
    "tier_curves",
    "write_drift_report",
    "write_fit_report",
    "write_report",
    "write_run_report",
    "write_what_if_plot",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "_forecasts": ("forecast",),
        "_fit_report": (
            "FitResult",
            "format_estimate",
            "format_figure",
            "write_drift_report",
            "write_fit_report",
        ),
        "_report": ("write_report",),
        "_run_plots": ("Track",),
        "_run_report": (
            "Rows",
            "RunSheet",
            "write_run_report",
        ),
        "_what_if_plots": (
            "check_plot_name",
            "write_what_if_plot",
        ),
    },
)
