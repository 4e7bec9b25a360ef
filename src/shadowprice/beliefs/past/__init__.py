"""What earlier replies to a question say of it: who gave them, whether they were right, how long they took."""

from shadowprice.beliefs.past._cells import Cells
from shadowprice.beliefs.past._habits import Habits
from shadowprice.beliefs.past._model import PastModel, Told
from shadowprice.beliefs.past._past import Past
from shadowprice.beliefs.past._scores import Scores
from shadowprice.beliefs.past._similarity import MODEL, Similarity

__all__ = ["MODEL", "Cells", "Habits", "Past", "PastModel", "Scores", "Similarity", "Told"]
