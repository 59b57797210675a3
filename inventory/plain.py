"""Text that others wrote, made harmless for whoever reads it: control characters become visible.

A terminal obeys them (ESC and the C1 controls move the cursor, rename windows, hide lines), and those that turn the
direction of writing make a line read as another one than it is (CVE-2021-42574). Titles of an inventory, answers of
hosts and configurations of devices all go through here before they reach a terminal, a page or a file for people.
"""

import re

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tabulator and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing
    "\u2028\u2029\ufeff\ufff9-\ufffb"  # line and paragraph, order of bytes, annotations
    "\U000e0000-\U000e007f"  # tags, which nobody sees
    "\ud800-\udfff]"  # halves of characters, which cannot be written at all
)


def plain(text: str, most: int | None = None) -> str:
    """Return text with every control character written out as in JSON, cut after so many characters."""
    shown = _OBEYED.sub(_written, text.replace("\r\n", "\n"))
    return shown if most is None or len(shown) <= most else f"{shown[: most - 1]}…"


def one_line(text: str, most: int | None = None) -> str:
    """Return text made harmless, on one line."""
    return plain(" ".join(text.split()), most)


def is_plain(text: str) -> bool:
    """Return whether nothing in a text is obeyed rather than shown."""
    return _OBEYED.search(text) is None


def _written(match: re.Match[str]) -> str:
    # In JSON this is still the same character, and in any other text a sign of what stood there.
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
