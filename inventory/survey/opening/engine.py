"""Reads workbooks with calamine, in a process of its own: `python -m inventory.survey.opening.engine`.

A workbook can be made so that its reader needs more memory than there is, or never ends; a Rust program then ends at
once. So it is not our process that reads. Questions are paths, answers are JSON, both one a line; the first field of an
answer that is no answer is `refused`. Nothing else imports calamine.
"""

import json
import os
import resource
import sys
import zlib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import python_calamine as calamine

from inventory.survey.opening.archives import Refused, opened, verified
from inventory.survey.opening.documents import document_sheets
from inventory.survey.opening.facts import Facts, xlsx_facts
from inventory.survey.opening.opendocument import ods_facts

LIMIT_MEMORY = 2 * 1024 * 1024 * 1024
LIMIT_SECONDS = 1800
LIMIT_LETTERS = 16 * 1024 * 1024
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
WORD = "WordDocument".encode("utf-16-le")
BOOKS = tuple(f"{name}\0".encode("utf-16-le") for name in ("Workbook", "Book"))


def _facts(content: bytes) -> tuple[str, dict[str, Facts], bool]:
    """Return what is in an archive, the facts of its sheets, and whether it refers to other files."""
    if not content.startswith(b"PK"):
        if ENCRYPTED in content:
            raise Refused("password")
        if WORD in content and not any(book in content for book in BOOKS):
            raise Refused("old-document")
        return "xls", {}, False
    with opened(content) as archive:
        verified(archive)
        names = archive.namelist()
        linked = any(name.startswith("xl/externalLinks/") for name in names)
        if "xl/workbook.xml" in names:
            return "xlsx", xlsx_facts(archive), linked
        if "content.xml" in names:
            return "ods", ods_facts(archive), linked
        if "xl/workbook.bin" in names:
            return "xlsb", {}, linked
    raise Refused("no-sheet")


def _document(content: bytes) -> list[dict[str, Any]] | None:
    """Return the tables of a Word document; None where it is another file."""
    if not content.startswith(b"PK"):
        return None
    with opened(content) as archive:
        if "word/document.xml" not in archive.namelist():
            return None
        verified(archive)
        sheets = document_sheets(archive)
    if sum(len(cell or "") for sheet in sheets for row in sheet["rows"] for cell in row) > LIMIT_LETTERS:
        raise Refused("bomb")
    return sheets


def _cell(value: object) -> Any:
    if isinstance(value, datetime):
        return ["t", value.isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, time):
        return ["h", value.isoformat()]
    if isinstance(value, timedelta):
        return ["s", value.total_seconds()]
    return value or None if isinstance(value, str) else value


def _rows(sheet: calamine.CalamineSheet, budget: list[int]) -> list[list[Any]]:
    rows = []
    for row in sheet.to_python():
        cells = [_cell(value) for value in row]
        while cells and cells[-1] is None:
            cells.pop()
        budget[0] -= sum(len(cell) for cell in cells if isinstance(cell, str)) + len(cells)
        if budget[0] < 0:
            raise Refused("bomb")
        rows.append(cells)
    return rows


def _sheet(book: calamine.CalamineWorkbook, index: int, facts: Facts | None, budget: list[int]) -> Mapping[str, Any]:
    meta = book.sheets_metadata[index]
    answer: dict[str, Any] = {"name": meta.name, "hidden": meta.visible != calamine.SheetVisibleEnum.Visible}
    if meta.typ != calamine.SheetTypeEnum.WorkSheet:
        return {**answer, "refused": "no-table"}
    if facts is not None and facts.too_large:
        return {**answer, "refused": "too-large", "detail": [facts.bottom, facts.right]}
    try:
        sheet = book.get_sheet_by_index(index)
    except calamine.CalamineError:
        return {**answer, "refused": "broken"}
    merged = [(top, left, bottom, right) for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()]
    answer |= {"start": sheet.start or (0, 0), "rows": _rows(sheet, budget), "merged": merged}
    if facts is not None:
        answer |= {
            "merged": merged or facts.merged,
            "facts": [
                facts.hidden_rows,
                facts.hidden_columns,
                facts.blank_formulas,
                facts.errors,
                facts.percents,
                facts.struck,
                facts.left,
                facts.comments,
                facts.units,
                [facts.boxes, facts.pictures],
            ],
        }
    return answer


def _read(content: bytes) -> dict[str, Any]:
    """Read a workbook or a document; Refused, or whatever its reader raises."""
    if (tables := _document(content)) is not None:
        return {"kind": "docx", "linked": False, "sheets": tables}
    kind, facts, linked = _facts(content)
    with calamine.CalamineWorkbook.from_filelike(BytesIO(content)) as book:
        budget = [LIMIT_LETTERS]
        sheets = [_sheet(book, index, facts.get(meta.name), budget) for index, meta in enumerate(book.sheets_metadata)]
    return {"kind": kind, "linked": linked, "sheets": sheets}


def answer_for(content: bytes) -> dict[str, Any]:
    """Read a workbook or a document; errors are answers too."""
    try:
        return _read(content)
    except Refused as exc:
        return {"refused": exc.code}
    except calamine.PasswordError:
        return {"refused": "password"}
    except MemoryError:
        return {"refused": "bomb"}
    except (calamine.CalamineError, BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, RuntimeError):
        # RuntimeError: zipfile's word for a method of packing or a password that it cannot do.
        return {"refused": "broken"}
    except BaseException as exc:
        # A panic of the Rust code ends what it was doing, and its class cannot be imported.
        if type(exc).__name__ != "PanicException":
            raise
        return {"refused": "broken"}


def main() -> None:
    """Answer until nobody asks any more."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_MEMORY, LIMIT_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_SECONDS, LIMIT_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        content = Path(os.fsdecode(json.loads(line).encode("utf-8", "surrogateescape"))).read_bytes()
        sys.stdout.buffer.write(json.dumps(answer_for(content)).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
