"""Writes several files of an inventory: all of them or none, whatever dies in between.

All new contents are first written into one journal, `.zhenghe-import.json`. Once that is whole the deed is done: each
file is then replaced, and the journal removed. Whoever finds a journal finishes what it says; a half-written journal
has another name and means nothing.

    WritingError
      Busy              another import works in the folder
      Moved             a file was changed by somebody while its change was being looked at
      Unwritable        the folder or a file in it cannot be written
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from inventory.errors import ZhengheError
from inventory.survey.merging.folder import Change
from inventory.words import _, system_said

JOURNAL = Path(".zhenghe-import.json")


class WritingError(ZhengheError):
    """Files were not written."""


class Busy(WritingError):
    """Another import works in the folder."""


class Moved(WritingError):
    """A file was changed by somebody while its change was being looked at."""


class Unwritable(WritingError):
    """The folder or a file in it cannot be written."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder against other imports, and finish first what a killed one has left; Busy, Unwritable."""
    if folder.exists() and not folder.is_dir():
        raise Unwritable(_("{folder} is a file; name the folder that the inventory is to be in").format(folder=folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as exc:
        raise Unwritable(_("{folder}: {said}").format(folder=folder, said=system_said(exc))) from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _finish(folder)
        yield
    except BlockingIOError as exc:
        raise Busy(_("another import works in {folder}; wait for its end").format(folder=folder)) from exc
    finally:
        os.close(handle)


def write(folder: Path, changes: Sequence[Change]) -> None:
    """Write files of a held folder, all or none; Moved where one is not what it was when the change was computed."""
    for change in changes:
        file = folder / change.file
        before = file.read_bytes().decode(errors="replace") if file.exists() else ""
        if before != change.before:
            raise Moved(_("{file} was changed in the meantime; import again").format(file=file))
    contents = {str(change.file): change.after for change in changes}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / JOURNAL, json.dumps(contents, ensure_ascii=False), durable=True)
    except OSError as exc:
        raise Unwritable(_("{folder}: {said}").format(folder=folder, said=system_said(exc))) from exc
    _finish(folder)


def _finish(folder: Path) -> None:
    journal = folder / JOURNAL
    if not journal.exists():
        return
    try:
        for name, content in json.loads(journal.read_bytes()).items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            _replace(file, content, durable=False)
        journal.unlink()
    except OSError as exc:
        said = _("{file}: {said}; mend that and import again, then it goes on").format(
            file=exc.filename or folder, said=system_said(exc)
        )
        raise Unwritable(said) from exc


def _replace(file: Path, content: str, *, durable: bool) -> None:
    """Put a content in place of a file's in one instant; a file that is there keeps its rights."""
    new = file.with_name(f".{file.name}.new")
    with new.open("w", encoding="utf-8", newline="") as handle:
        handle.write(content)
        handle.flush()
        if durable:
            os.fsync(handle.fileno())
    new.chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
    new.replace(file)
