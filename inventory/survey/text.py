"""How words of sheets are cleaned for people and folded for comparison."""

import re
import unicodedata
from functools import lru_cache

_HIDDEN = dict.fromkeys(
    [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD]
)
# Between two Chinese characters a space or a line break only serves the layout.
_BETWEEN = re.compile(r"(?<=[\u3400-\u9fff\u3000-\u303f\uff00-\uffef])\s+(?=[\u3400-\u9fff\u3000-\u303f\uff00-\uffef])")
_SPACES = re.compile(r"\s+")
_ODD = re.compile(r"[\W_]+")


_SHORT = 200
"""Texts up to so many characters are cleaned once, however often a row asks for them."""


def cleaned(text: str) -> str:
    """Return text on one line, without invisible characters and without spaces inside of Chinese."""
    return _cleaned_once(text) if len(text) <= _SHORT else _cleaned(text)


def _cleaned(text: str) -> str:
    return _SPACES.sub(" ", _BETWEEN.sub("", text.translate(_HIDDEN))).strip()


_cleaned_once = lru_cache(maxsize=16384)(_cleaned)


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """Return text for comparison: width, case, spaces and punctuation make no difference."""
    return _ODD.sub("", unicodedata.normalize("NFKC", text).casefold())


def plain(text: str) -> str:
    """Return text with full-width letters, digits and punctuation made half-width, on one line."""
    return _plain_once(text) if len(text) <= _SHORT else _plain(text)


def _plain(text: str) -> str:
    return _cleaned(unicodedata.normalize("NFKC", text))


_plain_once = lru_cache(maxsize=16384)(_plain)


def shortened(value: object, limit: int = 60) -> str:
    """Return a value as a remark shows it: on one line and not too long."""
    text = cleaned(str(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"
