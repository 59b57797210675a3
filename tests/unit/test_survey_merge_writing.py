"""Writing an import: all files or none, finished after a kill, and never over what somebody changed meanwhile."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inventory.survey.merging.folder import Change
from inventory.survey.merging.writing import JOURNAL, Busy, Moved, Unwritable, held, write

CHANGES = (
    Change(Path("a.yaml"), "a: 1\n", "a: 2\n"),
    Change(Path("systems/b.yaml"), "", "b: 1\n"),
    Change(Path("c.yaml"), "", "c: 1\n"),
)
# Dies before the call of Path.replace whose number is given: the first puts the journal in place.
DYING = """
import os, pathlib, signal, sys
from inventory.survey.merging.folder import Change
from inventory.survey.merging.writing import held, write
left = int(sys.argv[2])
replace = pathlib.Path.replace
def dying(self, target):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
pathlib.Path.replace = dying
folder = pathlib.Path(sys.argv[1])
changes = [Change(pathlib.Path(f), b, a) for f, b, a in eval(sys.argv[3])]
with held(folder):
    write(folder, changes)
"""


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(".new")
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    return tmp_path


OLD = {"a.yaml": "a: 1\n"}
NEW = {"a.yaml": "a: 2\n", "systems/b.yaml": "b: 1\n", "c.yaml": "c: 1\n"}


def test_all_is_written_and_nothing_is_left_over(folder: Path) -> None:
    with held(folder):
        write(folder, CHANGES)
    assert contents(folder) == NEW
    assert not list(folder.rglob("*.new"))


@pytest.mark.parametrize("dies_before", range(5))
def test_after_a_kill_all_or_nothing_is_there_when_the_folder_is_held_again(folder: Path, dies_before: int) -> None:
    words = repr([(str(change.file), change.before, change.after) for change in CHANGES])
    done = subprocess.run([sys.executable, "-c", DYING, str(folder), str(dies_before), words], check=False)
    assert done.returncode == (-9 if dies_before < 4 else 0)
    with held(folder):
        pass
    assert contents(folder) == (OLD if dies_before == 0 else NEW)
    assert not (folder / JOURNAL).exists()


def test_what_somebody_changed_meanwhile_is_not_written_over(folder: Path) -> None:
    (folder / "a.yaml").write_text("a: 3\n")
    with held(folder), pytest.raises(Moved):
        write(folder, CHANGES)
    (folder / "a.yaml").write_text("a: 1\n")
    (folder / "c.yaml").write_text("by hand\n")
    with held(folder), pytest.raises(Moved):
        write(folder, CHANGES)
    assert contents(folder) == {**OLD, "c.yaml": "by hand\n"}


def test_two_imports_do_not_work_in_one_folder(folder: Path) -> None:
    other = os.open(folder, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(Busy), held(folder):
        pass
    os.close(other)


def test_a_folder_that_is_none_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unwritable), held(tmp_path / "file"):
        pass
    with pytest.raises(Unwritable):
        write(tmp_path / "file" / "below", CHANGES[1:])
