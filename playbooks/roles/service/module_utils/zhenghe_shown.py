"""Units and jobs shown to people: bounded, with a digest of the whole, and without what looks like a secret."""

from __future__ import annotations

import hashlib
import re
from typing import Any

MOST_LINES = 60
LONGEST = 200
_TELLING = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|credential|api[_-]?key|private[_-]?key|口令|密码)"
_MASKS = (
    (re.compile(r"^(\s*(?:Environment|PassEnvironment|SetCredential\w*)\s*=\s*).*$"), r"\1***"),
    (re.compile(rf"(?i)([\w.-]*{_TELLING}[\w.-]*\s*[=:]\s*|-{{1,2}}[\w.-]*{_TELLING}[\w.-]*\s+)"
                r"(\"[^\"]*\"|'[^']*'|\S+)"), r"\1***"),
    (re.compile(r"(\w+://[^\s:/@]*:)[^\s@]+@"), r"\1***@"),
    (re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40,}={0,2}(?![A-Za-z0-9/+])"), "***"),
)  # fmt: skip


def masked(line: str) -> str:
    """Return a line without what looks like a secret, cut to a length that people read."""
    for pattern, instead in _MASKS:
        line = pattern.sub(instead, line)
    return line[:LONGEST]


def shown(path: str, content: bytes) -> dict[str, Any]:
    """Return a file for people: its path, its digest, and its lines without secrets and comments."""
    text = content.decode(errors="backslashreplace")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", ";"))]
    return {
        "path": path,
        "sha256": hashlib.sha256(content).hexdigest(),
        "lines": [masked(line) for line in lines[:MOST_LINES]],
        "left_out": max(0, len(lines) - MOST_LINES),
    }
