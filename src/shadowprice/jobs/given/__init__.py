"""What a job is given, read and checked: budgets, questions, terms, engines, predictors, policies, files."""

from shadowprice.jobs.given._asking import show_asking
from shadowprice.jobs.given._budget import Wish, cost, read_budget
from shadowprice.jobs.given._columns import parse_columns
from shadowprice.jobs.given._doubts import doubts, no_better
from shadowprice.jobs.given._encoders import (
    check_encoder,
    choose_encoder,
    named_questions,
    open_encoder,
    questions_of,
    read_once,
    shown_place,
)
from shadowprice.jobs.given._features import (
    GivenFeatures,
    features_place,
    match_features,
    with_features,
    without_features,
)
from shadowprice.jobs.given._files import GivenPath, check_run_files, ledger_place, path_of
from shadowprice.jobs.given._past import GivenPast, past_places, read_pasts, with_past
from shadowprice.jobs.given._policies import LEARNT, choose_live_policy, get_live_policy, get_planner, usual_planner
from shadowprice.jobs.given._predictors import (
    GivenPredictor,
    NamedPredictor,
    believe,
    get_predictor,
    nothing_known,
    predict,
    predictor_file,
)
from shadowprice.jobs.given._questions import (
    GivenQuestions,
    QuestionOptions,
    admission,
    file_of,
    read_asked,
    read_to_grade,
)
from shadowprice.jobs.given._serving import ServeOptions, read_serving
from shadowprice.jobs.given._terms import TermOptions
from shadowprice.jobs.given._window import read_window

__all__ = [
    "LEARNT",
    "GivenFeatures",
    "GivenPast",
    "GivenPath",
    "GivenPredictor",
    "GivenQuestions",
    "NamedPredictor",
    "QuestionOptions",
    "ServeOptions",
    "TermOptions",
    "Wish",
    "admission",
    "believe",
    "check_encoder",
    "check_run_files",
    "choose_encoder",
    "choose_live_policy",
    "cost",
    "doubts",
    "features_place",
    "file_of",
    "get_live_policy",
    "get_planner",
    "get_predictor",
    "ledger_place",
    "match_features",
    "named_questions",
    "no_better",
    "nothing_known",
    "open_encoder",
    "parse_columns",
    "past_places",
    "path_of",
    "predict",
    "predictor_file",
    "questions_of",
    "read_asked",
    "read_budget",
    "read_once",
    "read_pasts",
    "read_serving",
    "read_to_grade",
    "read_window",
    "show_asking",
    "shown_place",
    "usual_planner",
    "with_features",
    "with_past",
    "without_features",
]
