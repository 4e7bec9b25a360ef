import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowprice.engines._thinking import ThinkingSplitter

CASES = [
    ("<think>Hm.</think>42", "Hm.", "42"),
    ("\n <think>Hm.</think>\n\n42", "Hm.", "\n\n42"),
    ("<think>Hm.", "Hm.", ""),
    ("<think>Hm.</thi", "Hm.</thi", ""),
    ("<think></think>", "", ""),
    ("<thinking>Hm.</thinking>42", "Hm.", "42"),
    ("[THINK]Hm.[/THINK]42", "Hm.", "42"),
    ("◁think▷Hm.◁/think▷42", "Hm.", "42"),
    ("42", "", "42"),
    ("", "", ""),
    ("  ", "", "  "),
    ("<thi", "", "<thi"),
    ("<b>42</b>", "", "<b>42</b>"),
    ("Use <think>, not </think>.", "", "Use <think>, not </think>."),
    ("<think>a</think>b<think>c</think>", "a", "b<think>c</think>"),
    ("<think>a <think> b</think>c", "a <think> b", "c"),
]


def split(pieces: list[str], *, opened: bool = False) -> tuple[str, str]:
    splitter = ThinkingSplitter(opened=opened)
    parts = [*map(splitter.feed, pieces), splitter.flush()]
    return "".join(part[0] for part in parts), "".join(part[1] for part in parts)


@pytest.mark.parametrize(("text", "thinking", "answer"), CASES)
def test_however_it_is_cut(text: str, thinking: str, answer: str) -> None:
    assert (thinking, answer) == split([text])
    assert (thinking, answer) == split(list(text))
    for place in range(len(text)):
        assert (thinking, answer) == split([text[:place], text[place:]])


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "/", "think", ">", " ", "a", "</", "\n"]), max_size=12))
def test_pieces_do_not_matter(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert split([text]) == split(pieces) == split(list(text))


def test_reasoning_that_the_template_has_opened() -> None:
    assert ("Hm.", "42") == split(["Hm", ".</th", "ink>", "42"], opened=True)
    assert ("Hm.", "") == split(["Hm."], opened=True)


def test_text_is_not_held_without_need() -> None:
    splitter = ThinkingSplitter()
    assert ("", "") == splitter.feed("<thi")
    assert ("Hm", "") == splitter.feed("nk>Hm</")
    assert ("</b", "") == splitter.feed("b")
    assert ("", "42") == splitter.feed("</think>42")
    assert ("", "<think>") == splitter.feed("<think>")
