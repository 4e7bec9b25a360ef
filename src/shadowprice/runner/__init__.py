"""Run a batch inside a budget, or record what a model does without one."""

from shadowprice.runner._output import result_line, write_results
from shadowprice.runner._record import RecordSettings, record
from shadowprice.runner._run import Reason, Result, run

__all__ = ["Reason", "RecordSettings", "Result", "record", "result_line", "run", "write_results"]
