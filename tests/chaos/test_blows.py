"""Blows by a seed, damaged files and a full disk: the same final state, nothing done twice, and all of it told.

A seed names each blow (how, whom, after how many records, how much later), so that what it found can be tried again:
`ZHENGHE_TEST_SEED=7 pytest tests/chaos/test_blows.py`. A stopped process is a partition of all its wires.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from migrations.evidence.chain import Soundness, verify_chain
from migrations.home import RunHome, states_of
from migrations.states import UnitState
from tests.chaos.commands import ALL_PASSAGES, Command, Halting, Over
from tests.real.plans import ALL_DEEDS, CHAIN, chain_home
from tests.real.recorder import Recorder
from tests.sampling import sampled

pytestmark = [pytest.mark.chaos, pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

SEEDS = (os.environ["ZHENGHE_TEST_SEED"],) if "ZHENGHE_TEST_SEED" in os.environ else tuple(map(str, range(20)))
MOMENT = "after apply system:c/prepare"
IMPATIENT = "import migrations.run.engine.keeping as keeping; keeping.SILENT, keeping.ASK_EVERY = 4.0, 2.0\n"


class Blow(NamedTuple):
    """What befalls whom, when so many records are written and some seconds have passed."""

    how: signal.Signals
    whom: str
    after: int
    later: float
    lasts: float


def blows(seed: str) -> Iterator[Blow]:
    """Return the blows of a seed, in the order of their instants."""
    chance = random.Random(f"blows {seed}")
    for after in sorted(chance.sample(range(2, 40), 4)):
        how = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP))
        whom = chance.choice(("command", "worker", "server"))
        yield Blow(how, whom, after, chance.uniform(0, 0.4), chance.uniform(0.2, 3.0))


class Beaten(Command):
    """A command that takes blows, and is less patient with silence than a user's."""

    def __init__(self, home: RunHome) -> None:
        super().__init__(home, IMPATIENT + ALL_PASSAGES)

    def take(self, blow: Blow) -> None:
        """Wait for a blow's instant and take it; the run may have ended before."""
        while len(self.home.evidence.records()) < blow.after:
            if self.process.poll() is not None:
                return
            time.sleep(0.02)
        time.sleep(blow.later)
        # Among the last records a part may have ended in its own way, or need not be replaced any more.
        with suppress(Over, ProcessLookupError):
            self._strike(blow)

    def _strike(self, blow: Blow) -> None:
        if self.process.poll() is not None:
            return
        if blow.how is signal.SIGKILL:
            self.kill(blow.whom)
            return
        victim = self.pid_of(blow.whom)
        os.kill(victim, signal.SIGSTOP)
        time.sleep(blow.lasts)
        # It may have been taken for dead, and ended.
        if Path(f"/proc/{victim}").exists():
            os.kill(victim, signal.SIGCONT)


def assert_right(home: RunHome) -> None:
    assert Recorder(home).deeds() == ALL_DEEDS
    assert verify_chain(home.evidence.path).outcome is Soundness.SOUND
    states = states_of(CHAIN, home.evidence.records())
    assert [states[unit.key] for unit in CHAIN.units] == [
        UnitState.COMMITTED,
        UnitState.DECOMMISSIONED,
        UnitState.DECOMMISSIONED,
    ]


@pytest.mark.parametrize("seed", sampled(SEEDS, 0.05))
def test_blows_of_a_seed_change_nothing(tmp_path: Path, seed: str) -> None:
    home = chain_home(tmp_path / "run")
    with Beaten(home) as command:
        for blow in blows(seed):
            print(blow)
            command.take(blow)
        command.see_through()
    assert_right(home)


@pytest.mark.parametrize("whom", sampled(("worker", "server"), 0.5))
def test_who_is_stopped_for_good_is_ended_and_told(tmp_path: Path, whom: str) -> None:
    home = chain_home(tmp_path / "run")
    halting = Halting(home)
    halting.at(MOMENT)
    with Beaten(home) as command:
        halting.wait(MOMENT)
        os.kill(command.pid_of(whom), signal.SIGSTOP)
        halting.off()
        command.see_through()
    assert_right(home)


def _overwrite(file: Path, change: Callable[[bytearray], bytes | bytearray]) -> None:
    file.write_bytes(change(bytearray(file.read_bytes())))


def _noise(content: bytearray) -> bytearray:
    chance = random.Random(1)
    for _ in range(400):
        content[chance.randrange(100, len(content))] ^= 0xFF
    return content


def _flipped_seals(content: bytearray) -> bytearray:
    """Flip a byte of each message, which no check of the file's structure finds."""
    begin = content.find(b"binary/sealed")
    while begin >= 0:
        content[begin + 60] ^= 0xFF
        begin = content.find(b"binary/sealed", begin + 1)
    return content


DAMAGES: dict[str, Callable[[RunHome], object]] = {
    "engine empty": lambda home: _overwrite(home.database, lambda _: b""),
    "engine half": lambda home: _overwrite(home.database, lambda content: content[: len(content) // 2]),
    "engine noise": lambda home: _overwrite(home.database, _noise),
    "engine seals": lambda home: _overwrite(home.database, _flipped_seals),
    "engine gone": lambda home: home.database.unlink(),
    "evidence torn": lambda home: _overwrite(home.evidence.path, lambda content: content[:-37]),
    "evidence zeros": lambda home: _overwrite(home.evidence.path, lambda content: content + bytes(300)),
    "evidence garbage": lambda home: _overwrite(home.evidence.path, lambda content: content + b"\0garbage\n"),
    "key gone": lambda home: home.key_file.unlink(),
    "key another": lambda home: _overwrite(home.key_file, lambda content: content[::-1]),
    "locks gone": lambda home: shutil.rmtree(home.locks),
    "logs gone": lambda home: shutil.rmtree(home.logs),
    "progress noise": lambda home: _overwrite(home.progress_file, lambda content: content + b"\0\xff\n7\n"),
}


@pytest.mark.parametrize("damage", sampled(tuple(DAMAGES), 0.1))
def test_whatever_is_damaged_beside_the_last_word_the_run_goes_on(tmp_path: Path, damage: str) -> None:
    home = chain_home(tmp_path / "run")
    halting = Halting(home)
    halting.at(MOMENT)
    with Beaten(home) as command:
        halting.wait(MOMENT)
        command.process.kill()
        command.process.wait()
        with home.held():
            DAMAGES[damage](home)
        halting.off()
        command.call_again()
        command.see_through()
    assert_right(home)


def test_a_full_disk_ends_the_command_with_a_sentence_and_room_lets_it_go_on(tmp_path: Path) -> None:
    disk = tmp_path / "run"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=True)
    try:
        home = chain_home(disk)
        halting = Halting(home)
        halting.at(MOMENT)
        with Beaten(home) as command:
            halting.wait(MOMENT)
            filler = disk / "filler"
            filled = subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], capture_output=True, check=False)
            assert filled.returncode == 1
            assert command.process.wait(60) == 1
            assert f"the disk of {disk} is full" in command.said
            filler.unlink()
            halting.off()
            command.call_again()
            command.see_through()
        assert_right(home)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
