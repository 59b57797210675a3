"""Reads delimited text (csv and its kin): finds out the encoding and the delimiter, and remarks what was found."""

import csv
import io
import unicodedata

from inventory.words import _

LIMIT_FIELD = 1_000_000
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_DELIMITERS = ",\t;|，"


def decoded(content: bytes) -> str | None:
    """Return the text of a file in UTF-8, UTF-16 with a mark, or GB18030; None where it is no text."""
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text if _is_text(text) else None
    return None


def _is_text(text: str) -> bool:
    # GB18030 reads nearly all bytes: control characters and characters that nobody uses give binary files away.
    sample = text[:100_000]
    odd = sum(
        unicodedata.category(letter) in {"Cc", "Cn", "Co", "Cs"} and letter not in "\t\r\n\f\x1a" for letter in sample
    )
    return "\0" not in sample and odd * 100 <= len(sample)


def delimiter_of(text: str) -> str:
    """Return the delimiter that most of the first lines agree on; a comma where there is none."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:20]
    counts = {mark: sum(min(line.count(mark), 50) for line in lines) for mark in _DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ","


def rows_of(text: str) -> tuple[list[list[str | None]], str]:
    """Return the rows of delimited text, and what was wrong with its writing, empty if nothing."""
    rows: list[list[str | None]] = []
    csv.field_size_limit(LIMIT_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    try:
        for row in reader:
            # A row's place is its line: quoted line breaks make one row of several lines.
            cells: list[str | None] = [cell if cell.strip() else None for cell in row]
            while cells and cells[-1] is None:
                cells.pop()
            rows.append(cells)
    except csv.Error as exc:
        return rows, _("line {line}: {said}").format(line=reader.line_num, said=exc)
    return rows, ""
