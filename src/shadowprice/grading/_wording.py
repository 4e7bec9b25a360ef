"""The words by which replies announce an answer, in English and other languages."""

import re
from typing import Final

# Spanish, Portuguese, French, German, Italian, Russian, Hindi, Arabic, Vietnamese, Turkish, Polish, Indonesian;
# Chinese, Japanese, Korean, which need no blanks between words.
_SPACED = (
    r"respuesta|resposta|r[ée]ponse|antwort|risposta|ответ(?:ом)?|उत्तर|जवाब|(?:ال)?[إا]جابة|(?:ال)?جواب|đáp (?:án|số)|"
    r"câu trả lời|cevap|cevabı|yanıt|odpowied(?:ź|zią)|jawaban(?:nya)?"
)
_DENSE = r"答案|答え|答|解答|回答|정답|(?<!\w)답"
_MORE = (
    r"(?:[ \t](?:final|finale|finala|finali|correcta?|correto|correcte|corretta|définitive|akhir(?:nya)?|końcowa|"
    r"cuối cùng|đúng|النهائية|النهائي|الصحيحة|हमारा|sayısal|saya|kami))?"
)
BLANK: Final = r"[ \t\u00a0\u202f\u3000]"
# A charset at the start lets `re` skip quickly, which \b or IGNORECASE would not.
ANSWER: Final = r"[aA](?:nswer|NSWER)(?<!\w.{6})(?!\w)"
NOUN: Final = rf"(?:{ANSWER}|(?i:(?<!\w)(?:{_SPACED}){_MORE}(?!\w))|{_DENSE})"
"""A word for "answer", perhaps with a "final" or "correct" that follows it."""
_STEMS = ("respuesta", "resposta", "reponse", "antwort", "risposta", "cevap", "odpowied", "jawaban")
_OTHER_STEMS = ("réponse", "ответ", "उत्तर", "जवाब", "جابة", "جواب", "đáp", "lời", "yanıt", "答", "정답", "답", "解答")


def is_foreign(text: str) -> bool:
    """Whether a text has a word for "answer" that is not English; most have none, and this is quickly said."""
    lowered = text.lower()
    return any(stem in lowered for stem in (_STEMS if text.isascii() else (*_STEMS, *_OTHER_STEMS)))


CLAUSE: Final = (
    r"(?P<answer>(?:(?!(?:, ?| )(?:because|since|as|so|which|where|when|but|and we|and the)\b|, who(?:se|m)?\b)"
    r"[^\r\n.;!?。！？；।]|"
    r"[.;!?](?![\"'*_)$]*+(?:[\s,}]|\\n|\Z)))*+)"
)
"""The rest of a clause; a period inside a number does not end it."""

_ADVERB = (
    r"(?:(?:therefore|thus|then|hence|simply|indeed|exactly|now|definitely|clearly|certainly|actually|really|in fact|"
    r"equal to|given by)\b,?[ \t]*+)?"
)
ENGLISH: Final = re.compile(
    ANSWER + r"(?:[ \t](?:to|of|for)\b[^\r\n.:]{0,80}?)?[*_]*+"
    r"(?:,?[ \t](?:therefore|thus|then|hence),?)?[ \t]++(?i:is|was|equals|would be|should be|must be)\b[*_]*+"
    rf"[ \t]*+,?[ \t]*+{_ADVERB}:?[ \t]*+" + CLAUSE
)
"""``The answer is 7``."""
_IS = (
    r"es|est|é|è|ist|lautet|beträgt|será|sería|является|равен|равна|это|هي|هو|là|adalah|ialah|to|jest|wynosi|brzmi|[—–]"
)
FOREIGN: Final = re.compile(
    rf"(?:(?<!\w)(?:{_SPACED}){_MORE}(?:[ \t]++(?:{_IS})(?!\w)|(?=[ \t]++[*_`$\"\d])){BLANK}*+[:：]?|"
    rf"(?:{_DENSE}){BLANK}*+(?:应该是|应为|就是|是|为|為|は|은|는){BLANK}*+[:：]?|"
    rf"[【\[](?:正确|最终|最終)?(?:答案|答え|정답)[】\]]{BLANK}*+[:：]?(?!{BLANK}*+[和与及]))"
    rf"{BLANK}*+" + CLAUSE,
    re.IGNORECASE,
)
"""``La respuesta es 7``, ``答案是7``, ``【答案】7``."""
ENDINGS: Final = re.compile(
    r"(?:입니다|이다|이에요|예요|임|です|でした|である|となります|になります|だ|['’][dt][ıiuü]r|[ \t]है|[ \t]हैं)\Z"
)
"""What follows the value in a clause where the verb comes last."""

OPEN: Final = re.compile(
    r"(?:\b(?:if|whether|unless|suppose|supposing|assume|assuming|hope|hoping|wonder|wondering|doubt|doubts|deny|denies|"
    r"says|said|claims|claimed|believes|thinks|(?:not|n['’]t) (?:think|believe|say|mean|sure|clear|certain))"
    r"(?: that)?(?: (?:the|my|our|your|this|its))?(?: \w{1,20}){0,2}|"
    r"\b(?:wrong|incorrect|false|naive|tempting|initial|previous|earlier|common|intuitive|student['’]s)"
    r"(?: \w{1,20})?) ?\Z",
    re.IGNORECASE,
)
"""What before "the answer is" leaves open whether it is, or says that it is another's."""
NO_ANSWER: Final = re.compile(
    r"(?:an?[ \t]+\w|(?:not|no longer|correct|incorrect|right|wrong|indeed|given|found|obtained|expressed|in|to|that|"
    r"this|these|those|the|just|therefore|also|then|unique|clear|as|of|by|it|what|either|still|always|likely|probably|"
    r"consistent|supposed|required|reasonable|valid|positive|negative|an? integer|below|above|here|there|simple|fine|"
    r"good|ok|easy|important|different|same|sound|complete|unknown|unclear|uncertain|ambiguous|your|my|our|if|"
    r"correcta|correcto|correta|correto|correcte|richtig|falsch|corretta|верный|верен|правильный)\b|"
    r"(?:help|use|meaning)ful\b|(?:plausi|sensi|accepta|possi|understanda)ble\b|obvious\b|straightforward\b|"
    r"(?:verifi|confirm|round|bas|deriv|calculat|comput|provid|mention|shown|written|stat|hidden|miss|follow)(?:ed|ing)?\b|"
    r"正确|正解|不|错|对|什么|何|틀|맞)",
    re.IGNORECASE,
)
"""What follows "the answer is" when that says something about the answer and not the answer."""
_PLACE = (
    r"(?:(?:insert|put|write|your|the|a|an|final|correct|numeric|numerical|single|exact|chosen)[ _-])*"
    r"(?:answer|number|letter|value|option|choice|result|integer|solution|text)s?(?:[ _-](?:here|only|choice))?"
)
PLACEHOLDER: Final = re.compile(
    rf"(?:\\text\{{)?(?:{_PLACE}|<[a-z][a-z _-]{{0,40}}>|[\[{{(<]{_PLACE}[\]}})>])\}}?|\$[A-Z_]{{2,}}\b(?!.*\$).*|"
    r"\.{2,}|…|_{2,}|\[\.{3}\]|\?+",
    re.IGNORECASE,
)
"""What instructions have in place of an answer."""
