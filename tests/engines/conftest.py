from pathlib import Path

import pytest

from shadowprice.engines import pull_model


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The file of the embedded model, pulled into the cache if it is not there; without it, tests fail."""
    return pull_model("smollm2").path
