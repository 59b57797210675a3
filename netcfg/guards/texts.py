"""What devices say and keep as text, byte for byte: bytes that are no UTF-8 stand for themselves.

Who typed a description on a terminal that spoke GBK has left such bytes in a configuration, and gets them back. Here
they are characters that nobody else uses, so that such a text is sent, kept and compared like any other. This module is
also sent to devices, so it needs nothing but Python 3.9.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BASE = 0xF700
"""In the area for private use: the characters from F780 to F7FF stand for the bytes from 80 to FF."""
_OURS = re.compile(b"\xef[\x9e\x9f][\x80-\xbf]")
_HANDLER = "zhenghe-bytes"


def _standing(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_BASE + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_HANDLER, _standing)


def text_of(data: bytes) -> str:
    """Return bytes as text; `data_of` makes the same bytes of it."""
    return data.decode(errors=_HANDLER)


def data_of(text: str) -> bytes:
    """Return text as the bytes that it was made of."""
    return _OURS.sub(lambda found: bytes([ord(found[0].decode()) - _BASE]), text.encode())


def text_in(file: Path) -> str:
    """Return what a file says."""
    return text_of(file.read_bytes())


def pieces() -> codecs.IncrementalDecoder:
    """Return what makes text of bytes as they come: a character may come in two pieces."""
    return codecs.getincrementaldecoder("utf-8")(_HANDLER)


def legible(text: str) -> str:
    """Return text for people, who may know the bytes that are no UTF-8 as characters of GB 18030."""
    return "\n".join(_legible(line) for line in text.split("\n"))


def _legible(line: str) -> str:
    data = data_of(line)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")
