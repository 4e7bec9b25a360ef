"""What of a reply is its own: without thinking, without the chat template's tokens, without the next turn."""

import re

from shadowprice._thinking import blank_thinking

LONGEST = 200_000
"""Characters at the end of a reply in which its answer is looked for; what stands before is not read."""
_LONGEST_SCANNED = 1_000_000
"""Characters at the end of a reply in which the template's tokens are looked for; no model's reply is as long."""

_TEMPLATE = re.compile(
    r"<(?:\|(?P<name>[A-Za-z][\w ]{0,40})\||｜[\w▁ ]{1,40}｜|/?s|/?bos|/?eos|eo[ah]|(?:start|end)_of_turn)>"
    r"(?:(?:assistant|model)\b)?+|\[/?INST\]",
)
_WITHIN = re.compile(r"begin_of_\w+|(?:begin|end)_of_(?:box|thought)|channel|message|constrain|START_\w+|END_THINKING")
_TURN = re.compile(
    r"[\r\n][ \t]*+(?:[*_#]++[ \t]*+)?(?:Question|QUESTION|Human|HUMAN|User|USER|Q|Problem|Instruction|Input|Exercise|"
    r"问题|問題|質問|질문|문제|Pregunta|Pergunta|Frage|Domanda|Вопрос|प्रश्न|السؤال|Câu hỏi|Soru|Pytanie|Pertanyaan)"
    r"(?:[ \t]*+\d{1,4})?[ \t]*+[*_]*+[:：][*_]*+(?=\s*+\S)"
)


def own_text(text: str) -> tuple[str, int]:
    """Leave out what is no part of the reply itself.

    Returns:
        A text with the same positions as `text`, which ends where the chat template's tokens end the reply, and the
        position from which on it is to be read.
    """
    seen = blank_thinking(text)
    end = _end(seen)
    return seen[:end], max(0, end - LONGEST)


def next_turns(text: str, start: int) -> list[int]:
    """Where a line reads as if a further question began; the model may also be taking up its own question."""
    return [match.start() for match in _TURN.finditer(text, start)]


def _end(text: str) -> int:
    """Where the first of the template's tokens stands that has something of the reply before it."""
    position = 0
    begun = False
    for token in _TEMPLATE.finditer(text, max(0, len(text) - _LONGEST_SCANNED)):
        begun = begun or (position < token.start() and not text[position : token.start()].isspace())
        if begun and not (token["name"] and _WITHIN.fullmatch(token["name"])):
            return token.start()
        position = token.end()
    return len(text)
