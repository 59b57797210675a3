"""Processes of a run that end again and again, hang, or cannot write: all of it is told."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migrations.run.engine.children import VAIN, Child, ChildFailed
from migrations.run.engine.troubles import VARIABLE, Heard, Troubles


@contextmanager
def _child(folder: Path, script: str) -> Iterator[tuple[Child, list[str]]]:
    told: list[str] = []
    child = Child("worker", [sys.executable, "-Sc", script], folder / "worker.log", told.append)
    try:
        yield child, told
    finally:
        child.end()


def _gone(child: Child) -> None:
    while child.pid is not None:
        time.sleep(0.01)


def test_a_process_that_cannot_start_is_told_each_time_and_given_up(tmp_path: Path) -> None:
    with _child(tmp_path, "raise SystemExit('there is no module of that name')") as (child, told):
        with pytest.raises(ChildFailed, match=r"there is no module of that name.*worker\.log"):  # noqa: PT012
            while True:
                child.ensure()
                _gone(child)
        assert len(told) == VAIN - 1
        assert all("status 1: there is no module of that name" in text for text in told)


def test_ends_of_a_process_that_has_come_to_work_are_told_and_never_too_many(tmp_path: Path) -> None:
    with _child(tmp_path, "import time; time.sleep(60)") as (child, told):
        child.ensure()
        for _ in range(VAIN + 1):
            assert child.pid is not None
            child.at_work()
            os.kill(child.pid, signal.SIGKILL)
            _gone(child)
            assert child.ensure()
        assert [("9 SIGKILL" in text) for text in told] == [True] * (VAIN + 1)


def test_a_start_that_takes_long_counts_all_the_same(tmp_path: Path) -> None:
    with _child(tmp_path, "import time; time.sleep(0.3); raise SystemExit(3)") as (child, _told):
        child.ensure()
        for _ in range(VAIN - 1):
            _gone(child)
            child.ensure()
        _gone(child)
        with pytest.raises(ChildFailed, match="status 3"):
            child.ensure()


@pytest.fixture
def inherited(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], tuple[Heard, Troubles]]]:
    heard = Heard()

    def ends() -> tuple[Heard, Troubles]:
        monkeypatch.setenv(VARIABLE, str(heard.descriptor))
        return heard, Troubles.inherited()

    yield ends
    heard.close()


def test_troubles_are_heard_whole_and_in_order(inherited: Callable[[], tuple[Heard, Troubles]]) -> None:
    heard, troubles = inherited()
    assert heard.take() == (False, ())
    troubles.beat()
    troubles.tell("no room: '/x'\nand a second line")
    troubles.tell("满")
    assert heard.take() == (True, ("no room: '/x'\nand a second line", "满"))
    assert heard.take() == (False, ())
    assert VARIABLE not in os.environ


def test_a_worker_never_waits_for_a_command_that_does_not_read(inherited: Callable[[], tuple[Heard, Troubles]]) -> None:
    heard, troubles = inherited()
    for _ in range(1000):
        troubles.tell("x" * 1000)
    alive, told = heard.take()
    assert alive
    assert 0 < len(told) < 1000


def test_a_worker_that_was_started_by_hand_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    Troubles.inherited().tell("nobody hears this")
