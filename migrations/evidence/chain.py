"""Evidence: what was seen, by whom, when; append-only lines of JSON, each holding the hash of the one before it.

Several processes append to one file at once: a lock on the file puts them in a row, and a record counts when it is on
the disk. What a kill, a full disk or a power cut leaves behind the last record (a torn line, zeros, noise) is moved
into a file beside it by the next writer, who says so in a record. Noise between two records is nobody's to mend.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

from pydantic import AwareDatetime, ValidationError

from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.regular import opened
from inventory.words import _

BEGINNING = "0" * 64
TAIL = 4096
"""Bytes that are read from a file's end at first: records are short."""


class DamagedEvidence(ZhengheError):
    """A file of evidence cannot be gone on from; carries the file and what is wrong, with the record's number."""

    def __init__(self, path: Path, wrong: str) -> None:
        self.path = path
        self.wrong = wrong
        text = _("{path} is damaged: {wrong}; nothing was done: put the file back from a copy, and call again")
        super().__init__(text.format(path=path, wrong=wrong))


class Record(Model):
    """One thing that was seen or done; `what` holds its particulars, never a secret."""

    seq: int
    time: AwareDatetime
    kind: str
    unit: str = ""
    """Key of a unit of the plan, such as system:archive; empty where it concerns none."""
    step: str = ""
    what: dict[str, Any]
    previous: str
    """Hash of the record before; sixty-four zeros in the first one."""
    hash: str
    """SHA-256 of the record's canonical JSON without this field."""


class Fact(Model):
    """Something to be kept: its kind, and as its fields what is told of it, never a secret."""

    KIND: ClassVar[str] = ""

    def told(self) -> dict[str, Any]:
        """Return its fields as they are kept; one that is None is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Mended(Fact):
    """So many bytes after the last record were none, and were moved into a file beside the evidence."""

    KIND: ClassVar[str] = "evidence-mended"
    bytes: int


class Head(NamedTuple):
    """Where a file of evidence ends: the last record's number and hash, the file's bytes and their SHA-256."""

    records: int
    hash: str
    bytes: int
    sha256: str


class Soundness(StrEnum):
    """What a check of the chain says."""

    SOUND = "sound"
    TORN = "torn"
    """All records are sound, and what follows them is no record: a kill or a full disk leaves such a tail."""
    BROKEN = "broken"
    OPEN = "cut off"
    """All records are sound, and the last of them are not signed: the command that wrote them was cut off."""
    UNSIGNED = "unsigned"
    """All records are sound, and nobody has signed for any of them."""


class ChainVerdict(Model):
    """The outcome of a check of the chain: how many records are sound, and what is wrong with the one after them."""

    outcome: Soundness
    records: int
    head: str
    """Hash of the last sound record: who keeps it elsewhere can tell later whether lines were taken from the end."""
    reason: str = ""


def _hash_of(fields: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in fields.items() if name != "hash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Evidence:
    """The evidence of one run; any number of these may stand for one file, in any number of processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, kind: str, *, unit: str = "", step: str = "", what: Mapping[str, Any] | None = None) -> Record:
        """Write a record of any kind, for whoever has no model of it: `write` is for all others."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._opened() as file:
            return _write(file, self._mended(file), kind, unit, step, dict(what or {}))

    def write(self, fact: Fact, *, unit: str = "", step: str = "") -> Record:
        """Write one record to the disk and return it; OSError where the disk refuses, DamagedEvidence."""
        return self.append(fact.KIND, unit=unit, step=step, what=fact.told())

    def write_about(self, about: Callable[["Head"], Fact]) -> Record:
        """Write one record that is made from all before it, while nobody else writes."""
        with self._opened() as file:
            last = self._mended(file)
            file.seek(0)
            whole = file.read()
            head = Head(last[0], last[1], len(whole), hashlib.sha256(whole).hexdigest())
            fact = about(head)
            return _write(file, last, fact.KIND, "", "", fact.told())

    def ready(self) -> int:
        """Mend the file's tail, check the whole chain and return where the next record begins, in bytes.

        DamagedEvidence names the first record that is not as it was written.
        """
        if not self.path.exists():
            return 0
        with self._opened() as file:
            self._mended(file)
            verdict = verify_chain(self.path)
            if verdict.outcome is not Soundness.SOUND:
                raise DamagedEvidence(self.path, verdict.reason)
            return file.seek(0, os.SEEK_END)

    def count(self) -> int:
        """Return the number of the last record, zero where there is none; DamagedEvidence, OSError."""
        if not self.path.exists():
            return 0
        with opened(self.path) as file:
            return _last_record(file, self.path)[0][0]

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        if self.path.exists():
            opened(self.path).close()
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _mended(self, file: IO[bytes]) -> tuple[int, str]:
        """Return number and hash of the last record, after moving away what follows it."""
        last, begin = _last_record(file, self.path)
        file.seek(begin)
        if not (tail := file.read()):
            return last
        # Kept, because whoever wants to know what the machine was doing may read something in it.
        with os.fdopen(os.open(f"{self.path}.removed", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as removed:
            removed.write(tail + b"\n")
        file.truncate(begin)
        mended = _write(file, last, Mended.KIND, "", "", Mended(bytes=len(tail)).told())
        return mended.seq, mended.hash

    def records(self) -> tuple[Record, ...]:
        """Return all whole records in order; none where nothing was written yet."""
        return tuple(read(self.path))

    def records_of(self, *kinds: type[Fact]) -> tuple[Record, ...]:
        """Return the whole records of some kinds in order, without a look into the others; DamagedEvidence."""
        return tuple(read_kinds(self.path, kinds))

    def follow(self, offset: int, kinds: Iterable[type[Fact]] = ()) -> tuple[tuple[Record, ...], int]:
        """Return the whole records from a byte offset on, and the offset for the next call; DamagedEvidence.

        Where kinds are named only theirs are looked into and returned.
        """
        if not self.path.exists():
            return (), offset
        with opened(self.path) as file:
            file.seek(offset)
            whole, newline, _torn = file.read().rpartition(b"\n")
        if not newline:
            return (), offset
        names = {kind.KIND for kind in kinds}
        marks = _marks(names)
        records: list[Record] = []
        for line in whole.split(b"\n"):
            wanted = not marks or any(mark in line for mark in marks)
            record = _record(line + b"\n") if wanted else None
            if record is None and (wanted or not _is_formed(line + b"\n")):
                raise DamagedEvidence(self.path, _("the last line is not a record of evidence"))
            if record is not None and (not names or record.kind in names):
                records.append(record)
        return tuple(records), offset + len(whole) + 1


def read(path: Path) -> Iterator[Record]:
    """Yield the records of a file in order, without the tail that a kill left; DamagedEvidence."""
    if not path.exists():
        return
    count, noise = 0, False
    with opened(path) as file:
        for line in file:
            record = _record(line)
            if record is not None and noise:
                raise DamagedEvidence(path, _between(count + 1))
            if record is None:
                noise = True
            else:
                count += 1
                yield record


def lines_of(path: Path, offset: int = 0) -> Iterator[bytes]:
    """Yield the lines of a file that are records by their form, from a line's beginning on; DamagedEvidence as `read`.

    Parsing takes a hundred times as long: who needs a few kinds of records of a million looks into these first.
    """
    noise = False
    with opened(path) as file:
        file.seek(offset)
        for line in file:
            if not _is_formed(line):
                noise = True
            elif noise:
                raise DamagedEvidence(path, _("the text between two records is not a record"))
            else:
                yield line


def read_kinds(path: Path, kinds: Iterable[type[Fact]]) -> Iterator[Record]:
    """Yield the records of some kinds, in order, without a look into the others; DamagedEvidence as `read`."""
    names = {kind.KIND for kind in kinds}
    marks = _marks(names)
    for line in lines_of(path) if path.exists() else ():
        if any(mark in line for mark in marks):
            record = _record(line)
            if record is None:
                raise DamagedEvidence(path, _("the text between two records is not a record"))
            if record.kind in names:
                yield record


def _marks(kinds: Iterable[str]) -> tuple[bytes, ...]:
    """Return what the lines of records of some kinds have in them; others may have it, too."""
    return tuple(f'"kind":"{kind}"'.encode() for kind in kinds)


def _is_formed(line: bytes) -> bool:
    """Say whether a line looks like a whole record, without parsing it."""
    return line.startswith(b'{"seq":') and line.endswith(b"}\n")


def _record(line: bytes) -> Record | None:
    """Return the record that a line holds; None where it holds no whole one."""
    try:
        return Record.model_validate_json(line) if line.endswith(b"\n") else None
    except ValidationError:
        return None


def _between(number: int) -> str:
    return _("record {number}: {wrong}").format(number=number, wrong=_("it is not a record of evidence"))


def verify_chain(path: Path, since: "Head | None" = None) -> ChainVerdict:
    """Check each record's number, hash, and the hash it holds of the one before; OSError where the file is missing.

    With `since`, only those after that place are looked at: whoever gives it knows that it stands.
    """
    count, previous, offset = (since.records, since.hash, since.bytes) if since is not None else (0, BEGINNING, 0)
    noise = False

    def verdict(outcome: Soundness, wrong: str) -> ChainVerdict:
        return ChainVerdict(outcome=outcome, records=count, head=previous, reason=wrong)

    with opened(path) as file:
        file.seek(offset)
        for line in file:
            record = _record(line)
            if record is None:
                noise = True
            elif noise:
                return verdict(Soundness.BROKEN, _between(count + 1))
            elif wrong := _wrong_with(record, line, count + 1, previous):
                wrong = _("record {number}: {wrong}").format(number=count + 1, wrong=wrong)
                return verdict(Soundness.BROKEN, wrong)
            else:
                previous, count = record.hash, count + 1
    return verdict(Soundness.TORN, _("the last line is not whole")) if noise else verdict(Soundness.SOUND, "")


def _wrong_with(record: Record, line: bytes, number: int, previous: str) -> str:
    if record.seq != number:
        return _("it says that it is number {seq}: records are missing or were put in").format(seq=record.seq)
    if record.previous != previous:
        return _("it does not follow the record before it")
    if record.hash != _hash_of(json.loads(line)):
        return _("it was changed after it was written")
    return ""


def _last_record(file: IO[bytes], path: Path) -> tuple[tuple[int, str], int]:
    """Return number and hash of the last record, and where it ends; zeros where nothing was ever written."""
    size = file.seek(0, os.SEEK_END)
    reach = TAIL
    while True:
        start = max(0, size - reach)
        file.seek(start)
        end, lines = size, file.read(size - start).split(b"\n")
        end -= len(lines.pop())
        # The first of them may be the end of a line that begins before.
        for line in reversed(lines if start == 0 else lines[1:]):
            record = _record(line + b"\n")
            if record is not None:
                return (record.seq, record.hash), end
            end -= len(line) + 1
        if start == 0:
            break
        reach *= 4
    if lines:
        raise DamagedEvidence(path, _between(1))
    return (0, BEGINNING), 0


def _write(file: IO[bytes], last: tuple[int, str], kind: str, unit: str, step: str, what: dict[str, Any]) -> Record:
    fields: dict[str, Any] = {
        "seq": last[0] + 1,
        "time": datetime.now(UTC).isoformat(),
        "kind": kind,
        "unit": unit,
        "step": step,
        "what": what,
        "previous": last[1],
    }
    fields["hash"] = _hash_of(fields)
    line = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    file.seek(0, os.SEEK_END)
    file.write(line)
    file.flush()
    os.fsync(file.fileno())
    return Record.model_validate_json(line)
