"""A move fails or dies: in its pause, before it, or because a host cannot be reached; nothing is lost by it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inventory.kinds import playbooks_folder
from migrations.actuators.ansible.runner import (
    HostKeyMismatch,
    HostUnreachable,
    PlaybookError,
    PlaybookFailed,
    Playbooks,
)
from playbooks.agents.coordinator import Sessions
from playbooks.agents.participants import participants
from tests.real.archive.hosts import ADDRESSES, ENTRY, NAME, NEW, OLD, ON_OLD, READER, STORE, Archive
from tests.real.steps import controller, processes_of, until

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_a_request_that_does_not_end_prevents_the_switch_and_is_left_alone(on_old: Archive) -> None:
    with _slow_request(on_old) as slow, on_old.depositing() as readers:
        with pytest.raises(PlaybookFailed, match="requests are still under way") as refused:
            on_old.step("switch", limits={"downtime": "1s"})
        assert refused.value.host == ENTRY
        assert not on_old.held()
    assert slow.returncode == 0
    assert on_old.sides() == ON_OLD
    assert readers["failed"] == []


def test_a_file_open_for_writing_prevents_the_switch(on_old: Archive) -> None:
    writer = "exec 3>>/srv/archive/drop/open; echo $$ > /run/writer; exec sleep 600"
    on_old.run(OLD, f"setsid sh -c '{writer}' >/dev/null 2>&1 </dev/null &")
    try:
        with on_old.depositing() as readers, pytest.raises(PlaybookFailed, match=r"sleep \(\d+\).* open for writing"):
            on_old.step("switch", limits={"downtime": "2s"})
    finally:
        on_old.run(OLD, "kill $(cat /run/writer)")
    assert on_old.sides() == ON_OLD
    assert readers["failed"] == []


def test_a_last_pass_that_fails_leaves_everything_where_it_was(on_old: Archive) -> None:
    # Something in the way that the copy cannot remove: a folder where the source has a file.
    raw = "/var/lib/zhenghe/raw/archive-store"
    on_old.run(NEW, f"mount -t tmpfs none {raw}/permits")
    try:
        on_old.run(OLD, "mv /srv/archive/permits /srv/archive/moved")
        with on_old.depositing() as readers, pytest.raises(PlaybookFailed, match="rsync"):
            on_old.step("switch")
        assert on_old.sides() == ON_OLD
        assert readers["failed"] == []
    finally:
        on_old.run(OLD, "mv /srv/archive/moved /srv/archive/permits", check=False)
        on_old.run(NEW, f"umount {raw}/permits")


@pytest.mark.chaos
def test_a_controller_killed_in_the_pause_costs_nothing_but_time(on_old: Archive, tmp_path: Path) -> None:
    arguments = on_old.arguments("switch", limits={"downtime": "20s"})
    with on_old.depositing() as readers:
        with _slow_request(on_old), controller(on_old.world, tmp_path, arguments) as killed:
            until(on_old.held)
            killed.kill()
            # Its playbook ends a moment later; until then it would go on with the move once the request ends.
            until(lambda: not processes_of(tmp_path))
        until(lambda: not on_old.held())
    assert on_old.sides() == ON_OLD
    assert readers["failed"] == []
    # What the killed one had begun is finished, or begun anew, by the next one.
    assert on_old.step("switch").state == "done"
    assert set(readers["done"]) <= on_old.deposits(NEW)
    until(lambda: not processes_of(tmp_path))


@pytest.mark.chaos
@pytest.mark.parametrize("agents", ["alive", "killed"])
def test_what_is_written_after_a_death_in_the_pause_outlives_the_way_back(on_old: Archive, agents: str) -> None:
    """Without an entry nothing but the two ends tells who has the clients: it is never the one promoted in vain."""
    _died_in_the_pause(on_old, promoted=agents == "alive")
    if agents == "killed":
        # Written after the last pass, and frozen since.
        assert not on_old.writable(OLD)
    else:
        until(lambda: on_old.writable(OLD))
        on_old.run(OLD, "echo late > /srv/archive/late")
    assert on_old.step("switch", STORE, mode="undo").state == "not-done"
    assert (on_old.writable(OLD), on_old.writable(NEW)) == (True, False)
    assert on_old.run(OLD, "cat /srv/archive/late").stdout == "late\n"
    until(lambda: on_old.run(NEW, "cat /srv/archive/late", check=False).stdout == "late\n")
    on_old.run(OLD, "rm /srv/archive/late")


AGENTS = "'sys.stdin.buffer.readline'"
"""What the command lines of agents have in them."""


def _died_in_the_pause(archive: Archive, *, promoted: bool) -> None:
    """Move the store as far as into its pause, and die."""
    cast = participants(archive.arguments("switch", STORE), "forward")
    with Sessions(("ssh", "-F", str(archive.world.ssh_config)), playbooks_folder()) as sessions:
        sessions.open(cast)
        ends = {session.participant.side: session for session in sessions.every}
        for name in ("watch", "ready"):
            for end in ends.values():
                end.call(name, 30)
        if not promoted:
            archive.run(OLD, "echo late > /srv/archive/late")
        ends["source"].call("freeze", 10, 60, limit=5)
        if promoted:
            position = ends["source"].call("position", 10)
            ends["target"].call("reached", 10, positions={OLD: position}, limit=5)
            ends["target"].call("promote", 10)
            ends["target"].call("settle", 10)
        else:
            archive.run(OLD, f"pkill -9 -f {AGENTS}")


def test_ssh_refused_is_said_with_the_host(archive: Archive, tmp_path: Path) -> None:
    for verb in ("lag", "switch"):
        with pytest.raises(HostUnreachable) as failure:
            _elsewhere(archive, tmp_path, f"Host {NEW}\n  ProxyCommand false\n").call(
                archive.arguments(verb), "probe", 60, lambda _: None
            )
        assert failure.value.host == NEW
        assert failure.value.mend


def test_a_strange_host_key_stops_everything(archive: Archive, tmp_path: Path) -> None:
    known = tmp_path / "known"
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    known.write_text(f"{NEW} {key.with_suffix('.pub').read_text()}")
    for verb in ("lag", "switch"):
        with pytest.raises(HostKeyMismatch) as failure:
            _elsewhere(archive, tmp_path, f"Host {NEW}\n  UserKnownHostsFile {known}\n").call(
                archive.arguments(verb), "apply", 60, lambda _: None
            )
        assert failure.value.host == NEW
    assert archive.sides() == ON_OLD


def test_a_step_that_takes_too_long_leaves_no_process_behind(archive: Archive, tmp_path: Path) -> None:
    # A host that takes connections and says nothing for some seconds.
    server = "pid=$(systemctl show -p MainPID --value ssh)"
    silence = f'{server}; systemd-run -q sh -c "kill -STOP $pid; sleep 8; kill -CONT $pid"'
    archive.run(NEW, silence)
    with pytest.raises(PlaybookError, match="not finished within"):
        Playbooks(archive.world, tmp_path).call(archive.arguments("verify"), "probe", 3, lambda _: None)
    until(lambda: not processes_of(tmp_path))
    until(lambda: list(tmp_path.iterdir()) == [])
    until(lambda: archive.run(NEW, "true", "-o", "ConnectTimeout=2", check=False).returncode == 0)


@contextmanager
def _slow_request(archive: Archive) -> Iterator["subprocess.Popen[str]"]:
    """Send the head of a request through the entry at once, and its body when the block ends."""
    talk = (
        "(printf 'POST /deposits HTTP/1.1\\r\\nHost: %s\\r\\nContent-Length: 21\\r\\nConnection: close\\r\\n\\r\\n' "
        f'{NAME}; read -r _; printf \'{{"reference": "slow1"}}\') | timeout 200 socat -t 60 - TCP:{ADDRESSES[ENTRY]}:80'
    )
    words = ("ssh", "-F", str(archive.world.ssh_config), READER, talk)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            until(lambda: ADDRESSES[ENTRY] in archive.run(READER, "ss -Htn state established 'dport = :80'").stdout)
            yield process
        finally:
            process.communicate("\n")


def _elsewhere(archive: Archive, folder: Path, first: str) -> Playbooks:
    config = folder / "ssh_config"
    config.write_text(f"{first}\n{archive.world.ssh_config.read_text()}")
    return Playbooks(archive.world.model_copy(update={"ssh_config": config}), folder / "home")
