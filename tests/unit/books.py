"""Writes the workbooks of survey tests, and reads them."""

import csv
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from inventory.survey.entries import Entry, Remark, Weight
from inventory.survey.reading import read_sheets
from inventory.survey.tables.settling import Settled

Fill = Callable[[xlsxwriter.Workbook, Worksheet], None]


def sheet(tmp_path: Path, fill: Fill | Sequence[Sequence[Any]], name: str = "附件1", file: str = "a.xlsx") -> Path:
    """Write a workbook of one sheet: by rows from the top, or by a function."""
    path = tmp_path / file
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet(name)
    if callable(fill):
        fill(book, page)
    else:
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        for row, cells in enumerate(fill):
            for column, cell in enumerate(cells):
                if isinstance(cell, date):
                    page.write_datetime(row, column, datetime(cell.year, cell.month, cell.day), days)  # noqa: DTZ001
                elif cell is not None:
                    page.write(row, column, cell)
    book.close()
    return path


def read(path: Path, settled: Settled | None = None) -> tuple[tuple[Entry, ...], tuple[Remark, ...]]:
    return read_sheets([path], settled or Settled())


def heavy(remarks: Sequence[Remark]) -> list[tuple[str, str]]:
    """Return place and reason of all remarks that are more than notes."""
    return [(remark.place.cell, remark.expected) for remark in remarks if remark.severity is not Weight.NOTE]


def at(remarks: Sequence[Remark], cell: str) -> Remark:
    (remark,) = (remark for remark in remarks if remark.place.cell == cell)
    return remark


def lines(tmp_path: Path, rows: Sequence[Sequence[object]], file: str = "a.csv") -> Path:
    """Write rows as delimited text, which is read in our own process and so in no time."""
    path = tmp_path / file
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path
