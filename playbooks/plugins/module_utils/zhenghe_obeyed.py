"""Files that root's programs obey, read as those programs read them: another reading would let something pass unseen.

systemd goes on with a line after an odd number of backslashes, never in a comment; nginx knows a comment and a
quotation mark only where a word begins.
"""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple

from playbooks.agents.kit import Refused

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufeff]")
_SPACES = " \t\r\n"
_ESCAPED = {'\\"': '"', "\\'": "'", "\\\\": "\\", "\\t": "\t", "\\r": "\r", "\\n": "\n"}


class Setting(NamedTuple):
    """One assignment of a unit, and the section that it stands in."""

    section: str
    key: str
    value: str


def see_plain(path: str, text: str) -> str:
    """See that a text has no control characters, by which programs end lines differently; return it with plain ends."""
    plain = text.replace("\r\n", "\n")
    if _UNPRINTABLE.search(plain):
        raise Refused(f"{path} of the source holds control characters", "take them out at the source")
    return plain


def settings(text: str) -> list[Setting]:
    """Return the assignments of a unit in their order, as systemd finds them; those outside of a section are none."""
    found, section = [], ""
    for line in _logical(text):
        if line.startswith("["):
            section = line[1:].rstrip("]")
        key, equals, value = line.partition("=")
        if equals and section and not line.startswith("["):
            found.append(Setting(section, key.strip(), value.strip()))
    return found


def _logical(text: str) -> Iterator[str]:
    if re.search(r"\\[ \t]+$", text, re.MULTILINE):
        # Whether the next line belongs to it depends on systemd's version.
        raise Refused("a line of the unit ends with a backslash and spaces", "take the spaces out at the source")
    pending = ""
    for line in text.split("\n"):
        # Also in the middle of a line that goes on.
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        pending += line
        if (len(pending) - len(pending.rstrip("\\"))) % 2:
            pending = pending[:-1] + " "
            continue
        yield pending.strip()
        pending = ""
    if pending.strip():
        yield pending.strip()


def directives(text: str) -> Iterator[list[str]]:
    """Yield the directives of a configuration of nginx, each as its words; the beginning of a block is one, too."""
    words: list[str] = []
    for word, is_mark in _tokens(text):
        if not is_mark:
            words.append(word)
        else:
            if words:
                yield words
            words = []
    if words:
        yield words


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of a text and the marks between them."""
    at, length = 0, len(text)
    while at < length:
        if text[at] in _SPACES:
            at += 1
        elif text[at] == "#":
            at = text.find("\n", at) if "\n" in text[at:] else length
        elif text[at] in ";{}":
            yield text[at], True
            at += 1
        else:
            word, at = _quoted(text, at) if text[at] in "\"'" else _bare(text, at)
            yield re.sub(r"""\\["'\\trn]""", lambda found: _ESCAPED[found[0]], word), False


def _quoted(text: str, at: int) -> tuple[str, int]:
    end = at + 1
    while end < len(text) and text[end] != text[at]:
        end += 2 if text[end] == "\\" else 1
    if end >= len(text) or text[end + 1 : end + 2] not in (*_SPACES, ";", "{", ")", ""):
        raise Refused("the site's file cannot be read: a quotation mark is never closed", "mend it at the source")
    return text[at + 1 : end], end + 1


def _bare(text: str, at: int) -> tuple[str, int]:
    end, variable = at, False
    while end < len(text):
        if text[end] in _SPACES or text[end] == ";" or (text[end] == "{" and not variable):
            break
        variable = text[end] == "$" or (variable and text[end] == "{")
        end += 2 if text[end] == "\\" else 1
    return text[at:end], min(end, len(text))
