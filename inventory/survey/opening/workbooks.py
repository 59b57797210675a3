"""Reads any file into grids: what it contains decides its format, not what it is called."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, datetime, time
from pathlib import Path
from time import monotonic
from typing import Any, Self

from inventory.survey.entries import Place, Remark, Weight
from inventory.survey.opening.delimited import decoded, rows_of
from inventory.survey.opening.grids import Cell, Grid
from inventory.words import _, system_said

LIMIT_BYTES = 64 * 1024 * 1024
LIMIT_SECONDS = 60.0
"""Seconds of the processor for one file: a busy machine makes no file too large."""
LIMIT_CLOCK = 1800.0
"""Seconds of the clock after which a file is given up as one that the machine has no time for."""
_LOOK = 0.2
_MARKUP = re.compile(r"\s*(?:<html|<!doctype|<\?xml|<table|\{\\rtf|%pdf|mime-version:|id;p)", re.IGNORECASE)
_TABLE = re.compile(r"<(?:table|tbody|td|body)[\s>]", re.IGNORECASE)
"""What web pages have that programs save under the name of a workbook."""
PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")

Reading = tuple[tuple[Grid, ...], tuple[Remark, ...]]


def explained(code: str) -> str:
    """Say why a workbook or a sheet is not read, and what mends it."""
    return {
        "password": _("it is protected by a password: save it without one"),
        "bomb": _("it would unpack to more than is read: save it anew, without empty formatted rows and pictures"),
        "broken": _("it is damaged: open it in an office program and save it anew"),
        "entities": _("it declares entities, which no office program does: save it anew"),
        "old-document": _("it is an old Word document (.doc): save it as .docx or .xlsx"),
        "no-sheet": _("it is an archive and no workbook: unpack it, or save what is in it as .xlsx"),
        "no-table": _("a chart or macro sheet has no table; put what it says into a sheet"),
        "too-large": _("a value stands far away from the others: delete what lies beyond the table"),
        "busy": _("the machine was too busy to read it in half an hour: import it again when less is going on"),
        "ended": _("the reader ended over it, out of memory or time: copy its table into a new workbook"),
    }[code]


class Engine:
    """A process that reads workbooks; it is started when it is first asked, and anew after it ended over a file."""

    def __init__(self, seconds: float = LIMIT_SECONDS, clock: float = LIMIT_CLOCK) -> None:
        self.seconds = seconds
        self.clock = clock
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.end()

    def start(self) -> subprocess.Popen[bytes]:
        """Start a process that waits for questions."""
        command = [sys.executable, "-P", "-m", "inventory.survey.opening.engine"]
        environment = {**os.environ, "RUST_BACKTRACE": "0"}
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )

    def end(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def ask(self, path: Path) -> Mapping[str, Any]:
        """Return what is in a workbook; `refused` in place of it where it cannot be read within the limits."""
        if self.process is None:
            self.process = self.start()
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        watch = _Watch(process, self.seconds, self.clock)
        watch.start()
        try:
            process.stdin.write(json.dumps(str(path.absolute())).encode() + b"\n")
            process.stdin.flush()
            answer: Mapping[str, Any] = json.loads(process.stdout.readline())
        except (OSError, ValueError):
            self.end()
            return {"refused": "busy" if watch.late else "ended"}
        finally:
            watch.over.set()
        return answer


class _Watch(threading.Thread):
    """Ends a process that takes too much of the processor for one question, or gets too little of it."""

    def __init__(self, process: "subprocess.Popen[bytes]", seconds: float, clock: float) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.seconds = seconds
        self.clock = clock
        self.over = threading.Event()
        self.late = False
        """Whether it was ended by the clock and not by what it took of the processor."""

    def run(self) -> None:
        """Look until the question is answered or a limit is reached."""
        began, used = monotonic(), _processor_seconds(self.process.pid)
        while not self.over.wait(min(_LOOK, self.seconds or 0.001, self.clock or 0.001)):
            if _processor_seconds(self.process.pid) - used > self.seconds:
                self.process.kill()
                return
            if monotonic() - began > self.clock:
                self.late = True
                self.process.kill()
                return


def _processor_seconds(process: int) -> float:
    """Return how long a process has had the processor; 0 where it is no more."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _value(cell: Any) -> Cell:
    if not isinstance(cell, list):
        return cell  # type: ignore[no-any-return]
    kind, value = cell
    if kind == "d":
        return date.fromisoformat(value)
    if kind == "t":
        return datetime.fromisoformat(value)
    return time.fromisoformat(value) if kind == "h" else float(value) / 86400


def _grid(path: Path, kind: str, sheet: Mapping[str, Any]) -> Grid:
    top, left = sheet["start"]
    before: list[list[Cell]] = [[]] * top
    margin: list[Cell] = [None] * left
    rows = before + [[*margin, *(_value(cell) for cell in row)] if row else [] for row in sheet["rows"]]
    known = "facts" in sheet
    hidden_rows, hidden_columns, blank, errors, percents, struck, left_over, comments, units, drawn = sheet.get(
        "facts", (*([],) * 9, [0, 0])
    )
    for row, column, text in left_over:
        if row < len(rows) and column < len(rows[row]):
            rows[row][column] = text
    return Grid(
        file=path,
        sheet=sheet["name"],
        rows=rows,
        merged=tuple((a, b, c, d) for a, b, c, d in sheet["merged"]) if known or kind == "xls" else None,
        hidden=sheet["hidden"],
        above=sheet.get("above", 0),
        below=sheet.get("below", 0),
        hidden_rows=tuple(hidden_rows),
        hidden_columns=tuple(hidden_columns),
        blank_formulas=frozenset((row, column) for row, column in blank),
        errors={(row, column): word for row, column, word in errors},
        struck=frozenset((row, column) for row, column in struck),
        halved=frozenset((row, column) for row, column, _text in left_over),
        comments={(row, column): text for row, column, text in comments},
        percents=frozenset((row, column) for row, column in percents) if kind == "xlsx" else None,
        units={(row, column): unit for row, column, unit in units},
        boxes=drawn[0],
        pictures=drawn[1],
    )


def _remarks_on(path: Path, answer: Mapping[str, Any]) -> Iterator[Remark]:
    place = Place(file=path)
    if answer["linked"]:
        expected = _("it refers to other files; the values that were last saved are read")
        yield Remark(place=place, expected=expected, severity=Weight.NOTE)
    if answer["kind"] not in {"xlsx", "docx", "ods"}:
        expected = _("hidden and struck-out cells, comments and failed formulas are not seen in this format; use .xlsx")
        yield Remark(place=place, read=answer["kind"], expected=expected, severity=Weight.NOTE)


def _workbook(path: Path, engine: Engine) -> Reading:
    answer = engine.ask(path)
    if "refused" in answer:
        return (), (Remark(place=Place(file=path), expected=explained(answer["refused"])),)
    grids = []
    remarks = list(_remarks_on(path, answer))
    for sheet in answer["sheets"]:
        if "refused" in sheet:
            place = Place(file=path, sheet=sheet["name"])
            severity = Weight.WARNING if sheet["refused"] == "no-table" else Weight.ERROR
            remarks.append(Remark(place=place, expected=explained(sheet["refused"]), severity=severity))
        else:
            grids.append(_grid(path, answer["kind"], sheet))
    return tuple(grids), tuple(remarks)


def _text(path: Path, content: bytes) -> Reading:
    place = Place(file=path)
    text = decoded(content)
    if text is None or not text.strip():
        readable = _("a workbook (.xlsx, .xls, .ods), a document (.docx) or delimited text (.csv)")
        expected = _("it is empty") if text is not None else readable
        return (), (Remark(place=place, expected=expected),)
    if _MARKUP.match(text) or _TABLE.search(text[:20_000]):
        return (), (Remark(place=place, expected=_("a web page or document is no workbook: save it as .xlsx")),)
    rows, wrong = rows_of(text)
    remarks = () if not wrong else (Remark(place=place, read=wrong, expected=_("the rest of the file is not read")),)
    return (Grid(file=path, sheet="", rows=rows, merged=None, percents=None),), remarks


def read_file(path: Path, engine: Engine) -> Reading:
    """Read one file into its grids; whatever is wrong with it is a remark."""
    place = Place(file=path)
    try:
        if path.stat().st_size > LIMIT_BYTES:
            expected = _("at most {limit} MiB").format(limit=LIMIT_BYTES // 1024 // 1024)
            return (), (Remark(place=place, read=str(path.stat().st_size), expected=expected),)
        with path.open("rb") as stream:
            head = stream.read(8)
            if head.startswith(PACKED):
                return _workbook(path, engine)
            if head.startswith(b"%PDF"):
                expected = _("a PDF has no cells: save what it was made from as .docx or .xlsx")
                return (), (Remark(place=place, expected=expected),)
            return _text(path, head + stream.read(LIMIT_BYTES))
    except OSError as exc:
        return (), (Remark(place=place, read=system_said(exc), expected=_("a file that can be read")),)


def read_files(paths: Iterable[Path], processes: int | None = None) -> Iterator[Reading]:
    """Read files in order, several at a time in processes of their own."""
    count = processes or min(4, os.cpu_count() or 1)
    local = threading.local()
    with ExitStack() as stack, ThreadPoolExecutor(count) as pool:

        def one(path: Path) -> Reading:
            if not hasattr(local, "engine"):
                local.engine = stack.enter_context(Engine())
            return read_file(path, local.engine)

        yield from pool.map(one, paths)
