"""Names that help lists, apart from what they name, so that help imports nothing else; a test holds them together."""

from typing import Final

STREAMS: Final = ("balanced", "mostly-easy", "mostly-hard", "u-shaped", "as-recorded")
"""Of `shadowprice.bench`."""
ABLATIONS: Final = ("utility", "noise", "calibration-size", "alpha-beta", "predictor")
"""Of `shadowprice.bench`."""
POLICIES: Final = (
    "uniform",
    "predictor",
    "tale-ep",
    "clear-heuristic",
    "clear-auction",
    "clear-lambert",
    "expected",
    "index",
    "index-resume",
    "oracle",
)
"""Of `shadowprice.policies`."""
DAYS: Final = (
    "stationary",
    "easy-hard",
    "burst",
    "easy-hard-burst",
    "drift",
    "spikes",
    "silence",
    "burst-20",
)
"""Of `shadowprice.bench.traffic`."""
ENTRANTS: Final = (
    "first-come",
    "static-cap",
    "fixed-price",
    "yesterday",
    "mirror-descent",
    "mirror-paced",
    "online",
    "batch",
)
"""Of `shadowprice.bench.traffic`."""
LOGS: Final = (
    "inspect",
    "lm-eval",
    "batch",
    "batch-input",
    "zeroeval",
    "mmlu-pro",
    "reasoning-gym",
    "traces",
    "sweep",
    "columns",
)
"""Formats of `shadowprice.traces`."""
EXPORTS: Final = (".jsonl", ".csv", ".parquet")
"""Formats of `shadowprice.ledger`."""
MODELS: Final = ("smollm2",)
"""Of `shadowprice.engines`."""
