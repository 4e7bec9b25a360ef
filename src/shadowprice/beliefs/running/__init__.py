"""What is believed of a query while it runs, by how far it has come and by what it has written."""

from shadowprice.beliefs.running._future import FutureModel
from shadowprice.beliefs.running._progress import Progress, WordDirections
from shadowprice.beliefs.running._running import RunningPredictor
from shadowprice.beliefs.running._state import BUCKETS
from shadowprice.beliefs.running._watched import WatchedOutlook
from shadowprice.beliefs.running._words import PROGRESS_FEATURES, PROGRESS_GROUPS

__all__ = [
    "BUCKETS",
    "PROGRESS_FEATURES",
    "PROGRESS_GROUPS",
    "FutureModel",
    "Progress",
    "RunningPredictor",
    "WatchedOutlook",
    "WordDirections",
]
