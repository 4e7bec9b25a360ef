"""Run a batch inside a budget, or record what a model does without one."""

from shadowprice._pulse import Pulse
from shadowprice.runner._explore import MOST_EXPLORED, Explored, explore
from shadowprice.runner._journal import journal_place
from shadowprice.runner._judge import check_questions
from shadowprice.runner._model_judge import Opinions, Pair, ask_judge, judging_messages, read_verdict
from shadowprice.runner._output import result_line, write_results
from shadowprice.runner._record import RecordSettings, record
from shadowprice.runner._recorded import Recorded, Verdict, is_table, read_recorded, write_judged
from shadowprice.runner._rejudge import Again, judge_again
from shadowprice.runner._results import Reason, Result
from shadowprice.runner._retries import Retries
from shadowprice.runner._run import run
from shadowprice.runner._settings import End, RunSettings
from shadowprice.runner._tale import Estimated, estimate

__all__ = [
    "MOST_EXPLORED",
    "Again",
    "End",
    "Estimated",
    "Explored",
    "Opinions",
    "Pair",
    "Pulse",
    "Reason",
    "RecordSettings",
    "Recorded",
    "Result",
    "Retries",
    "RunSettings",
    "Verdict",
    "ask_judge",
    "check_questions",
    "estimate",
    "explore",
    "is_table",
    "journal_place",
    "judge_again",
    "judging_messages",
    "read_recorded",
    "read_verdict",
    "record",
    "result_line",
    "run",
    "write_judged",
    "write_results",
]
