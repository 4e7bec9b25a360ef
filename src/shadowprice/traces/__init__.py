"""What happened when a model reasoned: trace schema, files and replay."""

from shadowprice.traces._files import BUNDLED, read_traces, write_traces
from shadowprice.traces._replay import Accounting, Outcome, Replies, replay
from shadowprice.traces._schema import SCHEMA_VERSION, TRACE_SCHEMA
from shadowprice.traces._traces import TIERS, Traces

__all__ = [
    "BUNDLED",
    "SCHEMA_VERSION",
    "TIERS",
    "TRACE_SCHEMA",
    "Accounting",
    "Outcome",
    "Replies",
    "Traces",
    "read_traces",
    "replay",
    "write_traces",
]
