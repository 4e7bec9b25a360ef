"""What happened when a model reasoned: trace schema, files, logs of other tools, and replay."""

from shadowprice.traces._confidence import pack_confidence
from shadowprice.traces._files import BUNDLED, BUNDLED_TALE, read_traces, write_traces
from shadowprice.traces._forced import ForcedReplies, SweepTraces, draw_replies, is_traces, read_recorded
from shadowprice.traces._recorded import RecordedOutlook
from shadowprice.traces._replay import Accounting, Outcome, Replies, replay
from shadowprice.traces._schema import ESTIMATED, SCHEMA_VERSION, TRACE_SCHEMA
from shadowprice.traces._sweeps import SWEEP_SCHEMA, Sweep, read_sweeps, write_sweeps
from shadowprice.traces._traces import TIERS, Traces
from shadowprice.traces.importers import (
    FORMATS,
    AskedQuestion,
    Imported,
    ImportedLog,
    ImportSettings,
    import_logs,
)

__all__ = [
    "BUNDLED",
    "BUNDLED_TALE",
    "ESTIMATED",
    "FORMATS",
    "SCHEMA_VERSION",
    "SWEEP_SCHEMA",
    "TIERS",
    "TRACE_SCHEMA",
    "Accounting",
    "AskedQuestion",
    "ForcedReplies",
    "ImportSettings",
    "Imported",
    "ImportedLog",
    "Outcome",
    "RecordedOutlook",
    "Replies",
    "Sweep",
    "SweepTraces",
    "Traces",
    "draw_replies",
    "import_logs",
    "is_traces",
    "pack_confidence",
    "read_recorded",
    "read_sweeps",
    "read_traces",
    "replay",
    "write_sweeps",
    "write_traces",
]
