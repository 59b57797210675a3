"""Evidence: what was seen, by whom, when; append-only lines of JSON, each holding the hash of the one before it.

Several processes append to one file at once: a lock on the file puts them in a row, and a record counts when it is on
the disk. A writer that is killed inside a line leaves a torn one; the next writer removes it and says so in a record.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from pydantic import AwareDatetime, ValidationError

from inventory.base import Model
from inventory.words import _

BEGINNING = "0" * 64


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


class Soundness(StrEnum):
    """What a check of the chain says."""

    SOUND = "sound"
    TORN = "torn"
    """All records are sound and a part of a line follows, as a writer leaves it that was killed."""
    BROKEN = "broken"


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
        """Write one record to the disk and return it; OSError where the disk refuses."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            last, torn = _mend_tail(file)
            if torn:
                mended = _write(file, last, "evidence-mended", "", "", {"bytes": torn})
                last = (mended.seq, mended.hash)
            return _write(file, last, kind, unit, step, dict(what or {}))

    def records(self) -> tuple[Record, ...]:
        """Return all whole records in order; none where nothing was written yet."""
        return tuple(read(self.path))

    def follow(self, offset: int) -> tuple[tuple[Record, ...], int]:
        """Return the whole records from a byte offset on, and the offset for the next call."""
        if not self.path.exists():
            return (), offset
        with self.path.open("rb") as file:
            file.seek(offset)
            whole, newline, _torn = file.read().rpartition(b"\n")
        if not newline:
            return (), offset
        return tuple(Record.model_validate_json(line) for line in whole.splitlines()), offset + len(whole) + 1


def read(path: Path) -> Iterator[Record]:
    """Yield the whole records of a file in order; a torn last line is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield Record.model_validate_json(line)


def verify_chain(path: Path) -> ChainVerdict:
    """Check each record's number, hash, and the hash it holds of the one before; OSError where the file is missing."""
    previous, count = BEGINNING, 0

    def verdict(outcome: Soundness, reason: str) -> ChainVerdict:
        return ChainVerdict(outcome=outcome, records=count, head=previous, reason=reason)

    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return verdict(Soundness.TORN, _("the last line is not whole"))
            wrong = _wrong_with(line, count + 1, previous)
            if wrong:
                return verdict(Soundness.BROKEN, _("record {number}: {wrong}").format(number=count + 1, wrong=wrong))
            previous, count = str(json.loads(line)["hash"]), count + 1
    return verdict(Soundness.SOUND, "")


def _wrong_with(line: bytes, number: int, previous: str) -> str:
    try:
        record = Record.model_validate_json(line)
    except ValidationError:
        return _("it is not a record of evidence")
    if record.seq != number:
        return _("it says that it is number {seq}: records are missing or were put in").format(seq=record.seq)
    if record.previous != previous:
        return _("it does not follow the record before it")
    if record.hash != _hash_of(json.loads(line)):
        return _("it was changed after it was written")
    return ""


def _mend_tail(file: IO[bytes]) -> tuple[tuple[int, str], int]:
    """Cut a torn last line off; return number and hash of the last whole record, and how many bytes were cut."""
    size = file.seek(0, os.SEEK_END)
    # Records are short; only when the tail has no whole line in it is more read.
    reach = 4096
    while True:
        start = max(0, size - reach)
        file.seek(start)
        tail = file.read(size - start)
        whole, newline, torn = tail.rpartition(b"\n")
        before = whole.rpartition(b"\n")
        if start == 0 or (newline and before[1]):
            break
        reach *= 4
    if torn:
        file.truncate(size - len(torn))
    if not newline:
        return (0, BEGINNING), len(torn)
    last = json.loads(before[2])
    return (last["seq"], last["hash"]), len(torn)


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
