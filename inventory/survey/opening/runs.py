"""Texts of an xlsx that are written in runs: what of them is struck out, and the comments on cells."""

from collections.abc import Mapping

_OFF = frozenset({"0", "false", "none"})
LIMIT_COMMENT = 2000
"""Characters of a comment beyond which it is cut."""


class Runs:
    """A text that is told run by run, and which of its runs are struck out."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.strikes = False
        self.any = False

    def format(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Begin a run, or strike out the one that was begun."""
        self.strikes = tag == "strike" and attributes.get("val", "1") not in _OFF

    def say(self, text: str) -> None:
        """Add text to the run."""
        if self.strikes:
            self.any = self.any or bool(text.strip())
        else:
            self.kept.append(text)

    @property
    def left(self) -> str | None:
        """Return what is not struck out; None where nothing is."""
        return "".join(self.kept).strip() if self.any else None


class SharedTexts:
    """Follows the tags of the texts that the cells of a workbook share; `found` has what is left of them by number."""

    def __init__(self) -> None:
        self.found: dict[int, str] = {}
        self.number = -1
        self.runs = Runs()
        self.inside = False
        self.aside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take note of a tag that begins."""
        if tag == "si":
            self.number, self.runs = self.number + 1, Runs()
        elif tag in {"r", "strike"}:
            self.runs.format(tag, attributes)
        elif tag == "rPh":
            self.aside = True
        elif tag == "t":
            self.inside = not self.aside

    def end(self, tag: str) -> None:
        """Take note of a tag that ends."""
        if tag == "t":
            self.inside = False
        elif tag == "rPh":
            self.aside = False
        elif tag == "si" and (left := self.runs.left) is not None:
            self.found[self.number] = left

    def data(self, text: str) -> None:
        """Take a piece of text."""
        if self.inside:
            self.runs.say(text)


class CommentReader:
    """Follows the tags of the comments on a sheet; `found` has the name of each cell and what is said of it."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self.cell = ""
        self.text: list[str] = []
        self.inside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Take note of a tag that begins."""
        if tag == "comment":
            self.cell, self.text = attributes.get("ref", ""), []
        elif tag == "t":
            self.inside = True

    def end(self, tag: str) -> None:
        """Take note of a tag that ends."""
        if tag == "t":
            self.inside = False
        elif tag == "comment":
            self.found.append((self.cell, "".join(self.text)[:LIMIT_COMMENT]))

    def data(self, text: str) -> None:
        """Take a piece of text."""
        if self.inside:
            self.text.append(text)


class DrawingReader:
    """Follows the tags of what is drawn on a sheet; counts text boxes with words in them, and pictures."""

    def __init__(self) -> None:
        self.boxes = 0
        self.pictures = 0
        self.inside = False
        self.said = False

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        """Take note of a tag that begins."""
        if tag == "sp":
            self.said = False
        self.pictures += tag == "pic"
        self.inside = tag == "t" or self.inside

    def end(self, tag: str) -> None:
        """Take note of a tag that ends."""
        if tag == "t":
            self.inside = False
        self.boxes += tag == "sp" and self.said

    def data(self, text: str) -> None:
        """Take a piece of text."""
        self.said = self.said or (self.inside and bool(text.strip()))
