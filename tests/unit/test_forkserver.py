"""Playbooks that are forked from a process which has Ansible in memory: their ends, and what is left of them."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from migrations.actuators.ansible.forkserver import Forkserver
from migrations.actuators.ansible.forkserver.shim import LOST, ORPHANED, TIMED_OUT
from migrations.actuators.ansible.forkserver.shim import __file__ as shim_file

ROOT = Path(__file__).parents[2]
PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.raw: {what}
"""
# A daemon that has left its session and its parent behind.
DAEMON = "(setsid sh -c 'echo $$ > {marker}; exec sleep 300' &) ; sleep 300"


class Place:
    """A folder with a forkserver, and shims to it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.marker = folder, folder / "marker"
        (folder / "warm").mkdir()
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "HOME": str(folder / "warm"),
            "ANSIBLE_HOME": str(folder / "warm"),
        }
        self.forkserver = Forkserver(folder / "warm", environment)
        self._number = 0

    def start(self, what: str, seconds: float = 60) -> "subprocess.Popen[str]":
        self._number += 1
        playbook, place = self.folder / f"{self._number}.yml", self.folder / f"{self._number}.sock"
        playbook.write_text(PLAYBOOK.format(what=what.format(marker=self.marker)))
        self.forkserver.listen(place)
        words = [str(os.getpid()), str(self.folder / "pid"), str(place), str(seconds)]
        command = ["ansible-playbook", "-i", "localhost,", str(playbook)]
        return subprocess.Popen(
            [sys.executable, "-IS", shim_file, *words, *command],
            env=self.forkserver.environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip

    def gone(self) -> bool:
        """Say whether the daemon that has written its id is gone."""
        return not Path(f"/proc/{self.marker.read_text().strip()}").exists()

    def server(self) -> int:
        assert self.forkserver._process is not None
        return self.forkserver._process.pid


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.forkserver.close()


def _until(holds: Callable[[], bool], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come about in time"
        time.sleep(0.02)


def _written(marker: Path) -> bool:
    return marker.exists() and marker.read_text().strip() != ""


def test_a_playbook_says_what_it_would_say_by_itself_and_ends_as_it_would(place: Place) -> None:
    for what, code, said in (("echo $((40 + 2))", 0, "ok=1"), ("exit 3", 2, "failed=1")):
        with place.start(what) as shim:
            output = shim.communicate()[0]
        assert (shim.returncode, said in output) == (code, True), output
    assert "already been configured" not in output


def test_nothing_of_a_playbook_outlives_its_limit(place: Place) -> None:
    with place.start(DAEMON, seconds=8) as shim:
        assert shim.wait() == TIMED_OUT
    assert place.gone()


@pytest.mark.parametrize("how, code", [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)])
def test_nothing_of_a_playbook_outlives_its_shim(place: Place, how: signal.Signals, code: int) -> None:
    with place.start(DAEMON) as shim:
        _until(lambda: _written(place.marker))
        shim.send_signal(how)
        assert shim.wait() == code
    _until(place.gone)


def test_a_server_that_was_killed_takes_its_playbooks_along_and_is_started_again(place: Place) -> None:
    with place.start(DAEMON) as shim:
        _until(lambda: _written(place.marker))
        os.kill(place.server(), signal.SIGKILL)
        assert shim.wait() in {LOST, ORPHANED}
    _until(place.gone)
    with place.start("echo again") as shim:
        assert shim.wait() == 0


def test_nothing_outlives_the_one_that_wanted_playbooks(place: Place) -> None:
    source = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from test_forkserver import DAEMON, Place
        kept = Place(Path({str(place.folder)!r}) / "other")
        kept.start(DAEMON).wait()
    """)
    other = place.folder / "other"
    other.mkdir()
    with subprocess.Popen([sys.executable, "-c", source], cwd=ROOT) as owner:
        _until(lambda: _written(other / "marker"))
        owner.kill()
    _until(lambda: not Path(f"/proc/{(other / 'marker').read_text().strip()}").exists())
    _until(lambda: not (other / "warm").exists())
