"""Words that handsets send: which of them a text begins with, and whether it asks for something the gateway knows."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal

Meaning = Literal["stop", "start", "help", ""]

WORDS_AFTER_STOP: Final = 2
"""So many more words may follow: "Stop texting me" is a request, "End of the sale on Sunday" is not."""

_BETWEEN: Final = re.compile(r"[\W_]+")


def words_of(text: str, most: int = 0) -> list[str]:
    """The words of a text, written one way: without punctuation, large and small letters alike.

    Args:
        most: stop after so many; 0: all.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    found = [word for word in _BETWEEN.split(plain, maxsplit=most + 1 if most else 0) if word]
    return found[:most] if most else found


def keyword_of(text: str) -> str:
    """The first word of a text; empty where it has none."""
    return next(iter(words_of(text, 1)), "")


def folded(word: str) -> str:
    """A configured word as `words_of` writes it; empty where it is none, or more than one."""
    found = words_of(word)
    return found[0] if len(found) == 1 else ""


class Keywords:
    """The words that the gateway itself understands."""

    def __init__(self, stop: Iterable[str] = (), start: Iterable[str] = (), ask: Iterable[str] = ()) -> None:
        self._stop = frozenset(map(folded, stop))
        self._alone: dict[str, Meaning] = {folded(word): "start" for word in start}
        self._alone |= {folded(word): "help" for word in ask}

    def meaning(self, text: str) -> Meaning:
        """What a handset asks for: to get no more, to get messages again, to be told who sends them; or nothing."""
        words = words_of(text, WORDS_AFTER_STOP + 2)
        if not words:
            return ""
        if words[0] in self._stop and len(words) <= WORDS_AFTER_STOP + 1:
            return "stop"
        return self._alone.get(words[0], "") if len(words) == 1 else ""
