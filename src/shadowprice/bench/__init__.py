"""How good is a policy?"""

from shadowprice.bench._bench import BenchResult, Cell, default_budgets, run_bench
from shadowprice.bench._report import write_report
from shadowprice.bench._streams import STREAM_SIZE, STREAMS, Stream, StreamSampler, get_stream
from shadowprice.bench._table import render_table

__all__ = [
    "STREAMS",
    "STREAM_SIZE",
    "BenchResult",
    "Cell",
    "Stream",
    "StreamSampler",
    "default_budgets",
    "get_stream",
    "render_table",
    "run_bench",
    "write_report",
]
