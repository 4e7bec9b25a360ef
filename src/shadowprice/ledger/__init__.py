"""What has been reserved and spent? Budgets that several processes share and that survive a crash."""

from shadowprice.ledger._beside import ledger_files
from shadowprice.ledger._export import FORMATS, export_requests
from shadowprice.ledger._ledger import Ledger
from shadowprice.ledger._log_copy import copy_log, log_bytes
from shadowprice.ledger._records import Answer, Attempt, Grant, Outcome, RequestRow, RunInfo, State, Totals
from shadowprice.ledger._recovery import Recovered
from shadowprice.ledger._run import Run
from shadowprice.ledger._secrets import without_secrets
from shadowprice.ledger._standing import News

__all__ = [
    "FORMATS",
    "Answer",
    "Attempt",
    "Grant",
    "Ledger",
    "News",
    "Outcome",
    "Recovered",
    "RequestRow",
    "Run",
    "RunInfo",
    "State",
    "Totals",
    "copy_log",
    "export_requests",
    "ledger_files",
    "log_bytes",
    "without_secrets",
]
