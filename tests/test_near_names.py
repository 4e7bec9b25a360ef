"""Names that are none are refused with the nearest one, wherever there is a list of them."""

from collections.abc import Callable

import pytest

from shadowprice._errors import InputError, no_such
from shadowprice.engines import get_dialect
from shadowprice.grading import grade
from shadowprice.policies import get_policy
from shadowprice.runner import RunSettings


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            lambda: get_policy("unifrom"),
            "There is no policy 'unifrom': did you mean uniform? Choose from uniform, ",
        ),
        (lambda: grade("1", "1", "numbr"), "There is no grader 'numbr': did you mean number? Choose from "),
        (lambda: get_dialect("lamacpp"), "There is no dialect 'lamacpp': did you mean llamacpp? Choose from "),
        (lambda: RunSettings(effort="hihg"), "There is no effort 'hihg': did you mean high? Choose from "),  # type: ignore[arg-type]
        (lambda: get_policy("zzz"), "There is no policy 'zzz'; choose from uniform, "),
    ],
)
def test_the_nearest_name_is_said(ask: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError) as refused:
        ask()
    assert str(refused.value).startswith(said)


def test_long_names_are_cut() -> None:
    assert len(str(no_such("policy", "x" * 10_000, ["index"]))) < 120
