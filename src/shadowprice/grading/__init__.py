"""Where the final answer is in a reply, and whether it is right."""

from shadowprice.grading._answers import Answer, find_answer
from shadowprice.grading._graders import grade

__all__ = ["Answer", "find_answer", "grade"]
