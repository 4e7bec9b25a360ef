"""Where answers are stated in a reply, where the final one emerges, and whether it is right."""

from shadowprice.grading._answers import Answer, find_answer, stated_answers
from shadowprice.grading._code import admit_grader, load_grader
from shadowprice.grading._emergence import Emergence, emergence
from shadowprice.grading._graders import GRADERS, grade, is_quick
from shadowprice.grading._infer import infer_grader, infer_graders, reads_gold
from shadowprice.grading._readable import is_readable
from shadowprice.grading._tests import missing_layers
from shadowprice.grading._worked import final_part

__all__ = [
    "GRADERS",
    "Answer",
    "Emergence",
    "admit_grader",
    "emergence",
    "final_part",
    "find_answer",
    "grade",
    "infer_grader",
    "infer_graders",
    "is_quick",
    "is_readable",
    "load_grader",
    "missing_layers",
    "reads_gold",
    "stated_answers",
]
