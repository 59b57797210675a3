"""An archive of odd files and its site move to a new host and back, while readers deposit through the entry."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.ground import at_work
from infra.twin import client
from infra.worlds import World
from inventory.kinds import playbooks_folder
from inventory.model import Programme
from migrations.actuators.ansible.runner import (
    Answer,
    HostKeyMismatch,
    HostUnreachable,
    PlaybookError,
    PlaybookFailed,
    Playbooks,
)
from playbooks.agents.coordinator import Sessions
from playbooks.agents.participants import participants
from tests.real.steps import RunOn, controller, processes_of, until, with_hosts

pytestmark = [pytest.mark.real, pytest.mark.slow]

SEEDS = Path(__file__).parents[2] / "examples" / "yunhe" / "twin"
OLD, NEW, ENTRY, READER, ZOMBIE = "archives-store", "new-store", "front", "reader", "civil-old"
ADDRESSES = {OLD: "10.11.0.10", ZOMBIE: "10.11.0.11", NEW: "10.11.0.21", ENTRY: "10.11.0.30", READER: "10.11.0.40"}
NAME = "archive.tiny.example"
PLACES = {
    "sources": [OLD],
    "source_addresses": [ADDRESSES[OLD]],
    "targets": [NEW],
    "target_addresses": [ADDRESSES[NEW]],
}
STORE = {"name": "store", "kind": "files", **PLACES, "settings": {"root": "/srv/archive"}}
SITE = {"name": "site", "kind": "web", **PLACES, "settings": {"root": "/srv/archive-site", "service": "archive-site"}}
FRONT = {"component": "site", "kind": "haproxy", "name": NAME, "port": 80, "host": ENTRY, "address": ADDRESSES[ENTRY]}
NAMES = {"zone": "tiny.example", "server": "ns1", "ttl": "1s"}
NOTICES = {
    "name": "site", "kind": "web", "sources": [ZOMBIE], "source_addresses": [ADDRESSES[ZOMBIE]], "targets": [],
    "target_addresses": [], "settings": {"root": "/srv/notices"},
}  # fmt: skip

DEPOSITOR = """
import http.client, json, select, sys, time, uuid
tried, done, failed, times = [], [], [], []
while not select.select([sys.stdin], [], [], 0.02)[0]:
    reference = uuid.uuid4().hex
    try:
        line = http.client.HTTPConnection(sys.argv[1], timeout=30)
        line.request('POST', '/deposits', json.dumps({'reference': reference}), {'Host': sys.argv[2]})
        status = line.getresponse().status
        line.close()
    except OSError as exc:
        status = str(exc)
    (done if status == 201 else failed).append(reference if status == 201 else status)
    times.append(time.monotonic())
gaps = [later - sooner for sooner, later in zip(times, times[1:])]
print(json.dumps({'done': done, 'failed': failed, 'gap': max(gaps)}))
"""


class Archive:
    """The hosts of the archive's move, and what the tests do there."""

    def __init__(self, world: World, home: Path, run: RunOn) -> None:
        self.world, self.run, self.home = world, run, home
        self._playbooks = Playbooks(world, home)

    def arguments(self, verb: str, *components: Any, **changes: Any) -> dict[str, Any]:
        limits = {"downtime": "5s", "data_loss": "0s", "catch_up": "60s"} | changes.pop("limits", {})
        taking_part = components or (STORE, SITE)
        entries = [FRONT] if SITE in taking_part else []
        return {
            "system": "archive", "verb": verb, "components": list(taking_part), "entries": entries, "names": NAMES,
            "limits": limits, **changes,
        }  # fmt: skip

    def step(self, verb: str, *components: Any, mode: Any = "apply", **changes: Any) -> Answer:
        return self._playbooks.call(self.arguments(verb, *components, **changes), mode, 150, lambda _: None)

    @contextmanager
    def depositing(self) -> Iterator[dict[str, Any]]:
        """Keep a reader depositing through the entry; what came of it is in the result once the block has ended."""
        with at_work(self.world, READER, f"python3 /root/depositor.py {ADDRESSES[ENTRY]} {NAME}") as result:
            yield result

    def deposits(self, host: str) -> set[str]:
        return set(self.run(host, "ls /srv/archive/deposits").stdout.split())

    def writable(self, host: str) -> bool:
        return self.run(host, "touch /srv/archive/deposits && :", check=False).returncode == 0

    def sides(self) -> tuple[bool, bool, str]:
        side = self.run(ENTRY, "cat /etc/haproxy/zhenghe/side.map").stdout.split()[1]
        return self.writable(OLD), self.writable(NEW), side

    def held(self) -> bool:
        said = self.run(ENTRY, "echo show map /etc/haproxy/zhenghe/hold.map | socat - /run/zhenghe/haproxy.sock").stdout
        return said.split()[2] == "1"


# What a store collects beside files: a file system mounted below it, flags of chattr, files with a name outside.
ODDITIES = """
mkdir -p /srv/archive/mounted /srv/archive/flagged /srv/outer
mount -t tmpfs none /srv/archive/mounted && for i in $(seq 200); do echo $i > /srv/archive/mounted/$i; done
echo '5 4 * * * archive find /srv/archive/drop -delete' > /etc/cron.d/tidy
echo twice > /srv/archive/flagged/linked && ln /srv/archive/flagged/linked /srv/outer/linked
python3 - <<'PY'
import fcntl, os, struct
for name, flag in (("immutable", 0x10), ("appended", 0x20)):
    with open("/srv/archive/flagged/" + name, "w") as file:
        fcntl.ioctl(file, 0x40086602, struct.pack("=II", flag, 0))
PY
"""
FLAGS = """python3 - <<'PY'
import fcntl, os, struct
for name in ("immutable", "appended"):
    with open("/srv/archive/flagged/" + name) as file:
        print(hex(struct.unpack("=II", fcntl.ioctl(file, 0x80086601, bytes(8)))[0] & 0x30), end=" ")
PY
"""
ON_OLD = (True, False, "source")
ON_NEW = (False, True, "target")


@pytest.fixture(scope="module")
def empty(
    tiny: Programme,
    twin_name: Callable[[str], str],
    running_on: Callable[[World], RunOn],
    tmp_path_factory: pytest.TempPathFactory,
) -> Archive:
    """The hosts as surveyed: the archive in use, the new hosts bare."""
    world = client.up(with_hosts(tiny, ADDRESSES, {OLD, ZOMBIE}), twin_name("w"), SEEDS, print)
    run = running_on(world)
    run(READER, f"cat > /root/depositor.py <<'PY'\n{DEPOSITOR}\nPY")
    return Archive(world, tmp_path_factory.mktemp("steps"), run)


@pytest.fixture(scope="module")
def archive(empty: Archive) -> Archive:
    """Store and site copied and fronted by the entry; readers on the old side."""
    empty.run(OLD, ODDITIES)
    for verb in ("prepare", "replicate"):
        for component in (STORE, SITE):
            assert empty.step(verb, component).state == "done"
    assert empty.step("front", SITE).state == "done"
    return empty


@pytest.fixture
def on_old(archive: Archive) -> Iterator[Archive]:
    """Readers on the old side, before and after."""
    assert archive.sides() == ON_OLD
    yield archive
    if archive.sides() != ON_OLD:
        archive.step("switch", mode="undo")


def test_a_zombie_is_kept_as_one_file_and_stopped_and_may_start_again(empty: Archive) -> None:
    def asked() -> str:
        return empty.run(READER, f"curl -s -m 5 http://{ADDRESSES[ZOMBIE]}/2006.html", check=False).stdout

    assert "2006年公告" in asked()
    answer = empty.step("retire", NOTICES)
    kept = answer.facts[ZOMBIE]
    assert answer.state == empty.step("retire", NOTICES, mode="probe").state == "done"
    assert asked() == ""
    listed = empty.run(ZOMBIE, f"echo '{kept['sha256']}  {kept['archive']}' | sha256sum -c && tar tf {kept['archive']}")
    assert "notices/2006.html" in listed.stdout
    assert empty.step("retire", NOTICES, mode="undo").state == "not-done"
    assert "2006年公告" in asked()


def test_a_folder_that_is_not_empty_on_the_target_is_not_written_over(empty: Archive) -> None:
    empty.run(NEW, "mkdir -p /srv/archive && echo mine > /srv/archive/mine")
    try:
        with pytest.raises(PlaybookFailed, match="not empty") as refused:
            empty.step("prepare", STORE)
        assert refused.value.host == NEW
        assert refused.value.mend
        assert empty.run(NEW, "cat /srv/archive/mine").stdout == "mine\n"
    finally:
        empty.run(NEW, "rm -r /srv/archive")
        empty.step("prepare", STORE, mode="undo")


def test_an_account_with_another_number_on_the_target_is_a_conflict(empty: Archive) -> None:
    empty.run(NEW, "groupadd --gid 5000 archive")
    try:
        with pytest.raises(PlaybookFailed, match=r"archive \(3407\).* cannot keep its number"):
            empty.step("prepare", STORE)
    finally:
        empty.run(NEW, "groupdel archive")
        empty.step("prepare", STORE, mode="undo")


def test_a_copy_that_does_not_follow_is_given_up_and_nothing_changes_for_clients(empty: Archive) -> None:
    empty.step("prepare", STORE)
    empty.run(OLD, "sed -i.bak /zhenghe:/d /root/.ssh/authorized_keys")
    with pytest.raises(PlaybookFailed, match="does not follow after 2 s"):
        empty.step("replicate", STORE, limits={"catch_up": "2s"})
    assert empty.run(NEW, "systemctl is-active zhenghe-pull-archive-store", check=False).stdout.strip() != "active"
    assert empty.writable(OLD)
    assert empty.step("prepare", STORE).state == "done"


def test_what_a_copy_would_lose_is_named_when_it_is_prepared(archive: Archive) -> None:
    found = archive.step("prepare", STORE, mode="probe").facts[OLD]
    assert found["refused"] == []
    told = "\n".join(found["reported"])
    for word in (
        "/srv/archive/mounted: a file system in memory", "another name outside of the folder", "flagged/linked",
        "1 FIFOs", "flagged/appended (+a), flagged/immutable (+i)",
        "the job /etc/cron.d/tidy has to do with it and moves only",
    ):  # fmt: skip
        assert word in told


def test_a_way_into_the_folder_that_no_seal_closes_stops_the_gate_and_the_switch(on_old: Archive) -> None:
    there = "systemd-run -q --unit=standing --working-directory=/srv/archive/drop"
    # As a container has it: nothing is open, and no mount of the host's comes there.
    apart = "systemd-run -q --unit=container unshare --mount --propagation private sleep 600"
    bound = "mkdir -p /mnt/permits; mount --bind /srv/archive/permits /mnt/permits"
    on_old.run(OLD, f"{there} sleep 600; {apart}; {bound}")
    try:
        with pytest.raises(PlaybookFailed, match="cannot be sealed for everybody") as refused:
            on_old.step("lag")
        assert "can also be written at /mnt/permits" in refused.value.reason
        assert re.search(r"sleep \(\d+\) of standing.service works in it", refused.value.reason)
        assert "of container.service has it at /srv/archive, /srv/archive/mounted, by mounts" in refused.value.reason
        on_old.run(OLD, "umount /mnt/permits")
        with on_old.depositing() as readers, pytest.raises(PlaybookFailed, match=r"standing\.service works in it"):
            on_old.step("switch", limits={"downtime": "2s"})
        assert readers["failed"] == []
    finally:
        on_old.run(OLD, "systemctl stop standing container; mountpoint -q /mnt/permits && umount /mnt/permits || true")
    until(lambda: on_old.step("lag", mode="probe").state == "done")


def test_what_is_copied_is_the_same_to_the_last_attribute(archive: Archive) -> None:
    assert archive.step("verify").state == "done"
    rest = "find . -path ./mounted -prune -o ! -name linked"
    looks = (
        f"cd /srv/archive && {rest} -printf '%p %y %m %U %G %s %n %l\\0' | sort -z | sha256sum",
        "stat -c %i '/srv/archive/drawings/ledger of 1994.txt' /srv/archive/ledger.txt | uniq | wc -l",
        'python3 -c \'import os; print(os.getxattr("/srv/archive/ledger.txt", "user.catalogue"))\'',
        "test $(stat -c %b /srv/archive/sparse.img) -lt 4096 && echo sparse",
    )
    for look in looks:
        assert archive.run(NEW, look).stdout == archive.run(OLD, look).stdout


def test_a_lasting_difference_is_found_and_named(archive: Archive) -> None:
    raw = "/var/lib/zhenghe/raw/archive-store"
    archive.run(
        NEW, f"systemctl stop zhenghe-pull-archive-store; chmod 0600 {raw}/ledger.txt; touch '{raw}/in\nvented'"
    )
    try:
        answer = archive.step("verify", STORE)
        assert answer.state == "not-done"
        assert {"ledger.txt", "in\nvented"} <= set(
            answer.facts[OLD if OLD in answer.facts else NEW]["store"]["different"]
        )
    finally:
        archive.run(NEW, "systemctl start zhenghe-pull-archive-store")
    until(lambda: archive.step("verify", STORE).state == "done")


def test_the_key_of_the_copy_reads_one_folder_and_nothing_else(archive: Archive) -> None:
    key = "/etc/zhenghe/keys/archive-store"
    ssh = f"ssh -F /dev/null -i {key} -o UserKnownHostsFile={key}.known root@{ADDRESSES[OLD]}"
    server = "rsync --server"
    for asked in (
        "id",
        "cat /etc/shadow",
        f"{server} --sender -logDtpre.iLsfxCIvu . /etc/",
        f"{server} -logDtpr . root/",
        f"{server} --sender -logDtpr --remove-source-files . root/",
    ):
        said = archive.run(NEW, f"{ssh} '{asked}'", check=False)
        assert said.returncode != 0
        assert said.stdout == ""
        assert "zhenghe: archive-store" in said.stderr


def test_there_and_back_and_there_again_while_readers_deposit(on_old: Archive) -> None:
    before = on_old.deposits(OLD)
    for mode, there, sides in (("apply", NEW, ON_NEW), ("undo", OLD, ON_OLD), ("apply", NEW, ON_NEW)):
        assert mode == "undo" or on_old.step("lag", mode="probe").state == "done"
        with on_old.depositing() as readers:
            answer = on_old.step("switch", mode=mode)
            verified = on_old.step("verify")
        print(f"{mode}: {answer.facts['ms']}, readers waited {readers['gap'] * 1000:.0f} ms at most")
        assert on_old.sides() == sides
        assert readers["failed"] == []
        before |= set(readers["done"])
        assert before == on_old.deposits(there)
        assert verified.state == "done"
        assert on_old.run(there, "ls /srv/archive/mounted | wc -l").stdout == "200\n"
        assert on_old.run(there, FLAGS).stdout == "0x10 0x20 "
    assert on_old.step("switch", mode="probe").state == "done"


def test_after_the_switch_the_old_side_cannot_be_written_and_sends_late_comers_on(on_old: Archive) -> None:
    on_old.step("switch")
    deposit = 'curl -sf -d \'{"reference": "lost"}\' http://127.0.0.1:8090/deposits'
    attempts = ("touch /srv/archive/deposits/lost", "rm -f /srv/archive/ledger.txt")
    for attempt in (*attempts, f"systemctl start archive-site; sleep 0.5; {deposit}"):
        assert on_old.run(OLD, attempt, check=False).returncode != 0
    on_old.run(OLD, "systemctl stop archive-site")
    late = f'curl -sf -d \'{{"reference": "late"}}\' http://{ADDRESSES[OLD]}/deposits'
    assert json.loads(on_old.run(READER, late).stdout) == {"reference": "late"}
    assert "late" in on_old.deposits(NEW)
    # Root alone can write there, into the view of the copy: that is put aside and told, not removed in silence.
    on_old.run(OLD, "echo late > /var/lib/zhenghe/raw/archive-store/drop/by-root")
    kept = "/var/lib/zhenghe/kept/archive-store"
    until(lambda: on_old.run(OLD, f"ls {kept}", check=False).stdout)
    verified = on_old.step("verify", STORE)
    assert verified.state == "not-done"
    (facts,) = (one["store"] for one in verified.facts.values() if "store" in one)
    assert facts["kept"][0]["names"][0].endswith("drop/by-root")
    on_old.run(OLD, f"rm -r {kept}")
    # As after a restart, when nothing is mounted yet.
    on_old.run(OLD, "umount -l /srv/archive /var/lib/zhenghe/ro/archive-store /var/lib/zhenghe/raw/archive-store "
                    "&& systemctl restart zhenghe-seal-archive-store")  # fmt: skip
    assert not on_old.writable(OLD)


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


def test_the_entry_is_taken_away_when_its_name_has_gone_back(archive: Archive) -> None:
    def named() -> str:
        return archive.run("ns1", f"dig +short @127.0.0.1 {NAME}").stdout.strip()

    assert archive.step("front", SITE, mode="probe").state == "done"
    assert named() == ADDRESSES[ENTRY]
    assert archive.step("front", SITE, mode="undo").state == "not-done"
    assert named() == ADDRESSES[OLD]
    assert archive.run(READER, f"curl -s -m 2 http://{ADDRESSES[ENTRY]}/", check=False).returncode != 0
    assert archive.step("front", SITE).state == "done"


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
