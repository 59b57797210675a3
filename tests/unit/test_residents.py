"""Sessions that stay on a host for a run: verbs are apart from each other, and what a session says is bounded."""

import json
import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from infra.sudo import PYTHON
from playbooks.agents import residents
from playbooks.agents.payload import verb_header
from playbooks.agents.residents import Residents, asked

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
VERBS = """
import os, subprocess, sys, time
from ansible.module_utils import zhenghe_told
def carry_out(given):
    zhenghe_told.SEEN.append(given.get("number"))
    if given.get("dies"):
        os.kill(os.getpid(), 9)
    if given.get("speaks"):
        print("a word of a kind's own")
        sys.stdout.flush()
        subprocess.run(["sh", "-c", "echo a word of somebody else"])
        os.umask(0o777)
    if given.get("source"):
        return {"msg": zhenghe_told.__loader__.get_source(zhenghe_told.__name__)}
    if given.get("reads"):
        return {"msg": subprocess.run(["cat"], capture_output=True, text=True).stdout}
    if given.get("marker"):
        open(given["marker"], "w").write(str(os.getppid()))
    time.sleep(given.get("sleeps", 0))
    if given.get("long"):
        return {"msg": "x" * given["long"]}
    return {"msg": f"{os.getppid()} {zhenghe_told.SEEN} {os.umask(0):o}"}
"""


class Hosts:
    """Hosts whose every login ends on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.playbooks = folder, folder / "playbooks"
        copytree(PLAYBOOKS / "agents", self.playbooks / "agents")
        (self.playbooks / "roles" / "told" / "files").mkdir(parents=True)
        (self.playbooks / "roles" / "told" / "files" / "verbs.py").write_text(VERBS)
        (self.playbooks / "plugins" / "module_utils").mkdir(parents=True)
        (self.playbooks / "plugins" / "module_utils" / "zhenghe_told.py").write_text("SEEN = []\n")
        self.logins = folder / "logins"
        self.client = folder / "client"
        self.logs_in(f"exec {shlex.join(PYTHON)}")
        self.world = "as it is"
        self.keeper = Residents(lambda: (str(self.client), self.world), self.playbooks)

    def logs_in(self, script: str) -> None:
        """Have each login run a script from now on."""
        self.client.write_text(f"#!/bin/sh\necho $1 >> {self.logins}\n{script}\n")
        self.client.chmod(0o755)

    def ask(self, host: str = "one", **given: Any) -> dict[str, Any]:
        """Return what a host answers to a verb, or how it went."""
        answer = asked(str(self.folder / "socket"), host, verb_header(self.playbooks, "told", given))
        return dict(json.loads(answer["said"])) if "said" in answer else answer

    def times(self) -> int:
        """Return how often somebody logged in."""
        return len(self.logins.read_text().splitlines())


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    hosts = Hosts(tmp_path)
    with hosts.keeper.listening(tmp_path / "socket"):
        yield hosts
    hosts.keeper.close()


def test_one_session_carries_out_one_verb_after_the_other_and_nothing_of_it_is_left(hosts: Hosts) -> None:
    first = hosts.ask(number=1, speaks=True)["msg"].split(" ", 1)
    second = hosts.ask(number=2)["msg"].split(" ", 1)
    assert first[0] == second[0]
    assert (first[1], second[1].split("] ")[0]) == ("[1] 777", "[2")
    assert second[1] != first[1]
    assert hosts.times() == 1


def test_what_a_verb_starts_reads_no_requests(hosts: Hosts) -> None:
    assert hosts.ask(reads=True) == {"msg": ""}
    assert hosts.ask(number=2)["msg"]


def test_a_kind_may_write_its_own_code_onto_a_host(hosts: Hosts) -> None:
    for _again in range(2):
        assert hosts.ask(source=True) == {"msg": "SEEN = []\n"}


def test_a_verb_that_is_killed_is_told_and_the_session_goes_on(hosts: Hosts) -> None:
    assert hosts.ask(dies=True) == {"failed": True, "msg": "ended by signal 9"}
    assert "[3]" in hosts.ask(number=3)["msg"]
    assert hosts.times() == 1


def test_a_new_version_of_a_module_is_what_runs(hosts: Hosts) -> None:
    assert "[1]" in hosts.ask(number=1)["msg"]
    (hosts.playbooks / "plugins" / "module_utils" / "zhenghe_told.py").write_text("SEEN = ['new']\n")
    assert "['new', 2]" in hosts.ask(number=2)["msg"]
    assert hosts.times() == 1


def test_what_is_changed_in_a_world_counts_for_the_next_verb(hosts: Hosts) -> None:
    first = hosts.ask()["msg"].split()[0]
    hosts.world = "as it is now"
    assert hosts.ask()["msg"].split()[0] != first
    assert hosts.logins.read_text().splitlines() == ["as it is", "as it is now"]


def test_sessions_that_nobody_needs_are_ended(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residents, "IDLE", 0.2)
    for _again in range(2):
        resident = int(hosts.ask()["msg"].split()[0])
        wait_until(partial(is_gone, resident))
    assert hosts.times() == 2


def test_verbs_at_once_have_a_session_each_and_hosts_have_their_own(hosts: Hosts) -> None:
    with ThreadPoolExecutor(3) as pool:
        every = list(pool.map(lambda host: hosts.ask(host, sleeps=1), ("one", "one", "other")))
    assert len({each["msg"].split()[0] for each in every}) == 3
    assert hosts.ask("other")["msg"].split()[0] == every[2]["msg"].split()[0]
    assert hosts.times() == 3


def test_a_verb_goes_on_to_its_end_when_its_session_is_killed_and_the_next_one_has_a_new_session(
    hosts: Hosts, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(hosts.ask, marker=str(marker), sleeps=1, number=1)
        while not (marker.exists() and marker.read_text()):
            time.sleep(0.01)
        os.kill(int(marker.read_text()), signal.SIGKILL)
        assert "[1]" in asking.result()["msg"]
    assert hosts.ask(number=2)["msg"]
    assert hosts.times() == 2


def test_a_session_that_is_silent_or_has_ended_is_not_used_again(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residents, "PATIENCE", 0.3)
    first = int(hosts.ask()["msg"].split()[0])
    os.kill(first, signal.SIGSTOP)
    second = int(hosts.ask()["msg"].split()[0])
    os.kill(second, signal.SIGKILL)
    assert int(hosts.ask()["msg"].split()[0]) not in {first, second}
    assert hosts.times() == 3


def test_who_says_something_that_nobody_asked_for_is_not_asked_again(hosts: Hosts) -> None:
    hosts.logs_in("""head -n 2 >/dev/null; echo hello; echo '{"msg": "one"}'; echo '{"msg": "two"}'; sleep 60""")
    assert hosts.ask() == {"msg": "one"}
    time.sleep(0.2)
    hosts.logs_in(f"exec {shlex.join(PYTHON)}")
    assert "[2]" in hosts.ask(number=2)["msg"]


def test_what_is_too_long_is_not_heard_to_its_end(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residents, "MOST", 1 << 16)
    assert "longer" in hosts.ask(long=1 << 20)["unheard"]
    for without_an_end in ("words", "''"):
        hosts.logs_in(f"exec yes {without_an_end}")
        assert "longer" in hosts.ask()["unheard"]


def test_why_nobody_came_through_is_told(hosts: Hosts) -> None:
    hosts.logs_in("echo no route to host >&2; exit 255")
    assert hosts.ask() == {"status": 255, "complained": "no route to host"}


def test_sessions_end_with_who_keeps_them(hosts: Hosts) -> None:
    resident = int(hosts.ask()["msg"].split()[0])
    hosts.keeper.close()
    wait_until(partial(is_gone, resident))
