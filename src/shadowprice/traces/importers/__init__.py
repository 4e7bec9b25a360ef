"""Traces from the logs that people already have."""

from shadowprice.traces.importers._detect import FORMATS
from shadowprice.traces.importers._import import Imported, ImportedLog, import_logs
from shadowprice.traces.importers._replies import AskedQuestion, ImportSettings

__all__ = [
    "FORMATS",
    "AskedQuestion",
    "ImportSettings",
    "Imported",
    "ImportedLog",
    "import_logs",
]
