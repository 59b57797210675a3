"""What it costs to understand survey sheets: 200 workbooks of 20 systems each, filled in untidily from a seed.

One run, the same files:

    ours      read_sheets: safety checks, tables, columns, values, remarks
    plain     python-calamine alone: every cell of every sheet, understood by nobody
"""

import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import python_calamine

from bench.ground import Result, conditions, report, tell
from bench.sheets import Known, write_all
from inventory.survey.entries import Entry, Weight
from inventory.survey.reading import read_sheets

WORKBOOKS, SYSTEMS, SEED = 200, 20, 20170816


def processor_seconds() -> float:
    """Return what this process and its ended children have worked."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def plain(folder: Path) -> int:
    """Read all cells with calamine and return how many there are."""
    cells = 0
    for file in sorted(folder.iterdir()):
        with python_calamine.CalamineWorkbook.from_path(file) as book:
            cells += sum(len(row) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python())
    return cells


def same(entry: Entry, known: Known) -> bool:
    """Tell whether a system was read as it was written."""
    frequency = {
        "每天": "daily",
        "每日": "daily",
        "每周": "weekly",
        "每月": "monthly",
        "每年": "yearly",
        "从不": "never",
    }
    return (entry.title, entry.department) == (known.title, known.department) and {
        field: entry.values.get(field)
        for field in ("survey.running_cost", "survey.approved", "survey.frequency", "grading.mlps")
    } == {
        "survey.running_cost": known.running_cost,
        "survey.approved": known.approved,
        "survey.frequency": frequency[known.frequency],
        "grading.mlps": known.mlps,
    }


def measure(rounds: int) -> Result:
    """Write the workbooks, then read them in both ways."""
    found = conditions()
    spent: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        tell(f"{WORKBOOKS} workbooks are written")
        written = write_all(folder, WORKBOOKS, SYSTEMS, SEED)
        for number in range(rounds):
            tell(f"round {number + 1}")
            began, worked = time.perf_counter(), processor_seconds()
            cells = plain(folder)
            spent["plain_seconds"].append(time.perf_counter() - began)
            spent["plain_processor_seconds"].append(processor_seconds() - worked)
            began, worked = time.perf_counter(), processor_seconds()
            entries, remarks = read_sheets([folder])
            spent["ours_seconds"].append(time.perf_counter() - began)
            spent["ours_processor_seconds"].append(processor_seconds() - worked)
    seconds = {name: round(median(each), 3) for name, each in spent.items()}
    return Result(
        bench="survey",
        question=f"{WORKBOOKS} untidy workbooks of {SYSTEMS} systems each, from files to entries, median of {rounds}",
        figures={**seconds, "cells": cells, "remarks": len(remarks)},
        ratios={
            "ours/plain": round(seconds["ours_seconds"] / seconds["plain_seconds"], 3),
            "ours/plain, processor": round(seconds["ours_processor_seconds"] / seconds["plain_processor_seconds"], 3),
        },
        promises={
            "every system is read as it was written": len(entries) == len(written) and all(map(same, entries, written)),
            "no cell is an error": not any(remark.severity is Weight.ERROR for remark in remarks),
        },
        conditions=found,
    )


if __name__ == "__main__":
    report(measure, rounds=3)
