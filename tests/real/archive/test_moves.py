"""An archive of odd files and its site move to a new host and back, while readers deposit through the entry."""

import json
import re

import pytest

from migrations.actuators.ansible.runner import PlaybookFailed
from tests.real.archive.hosts import (
    ADDRESSES,
    ENTRY,
    FLAGS,
    NAME,
    NEW,
    OLD,
    ON_NEW,
    ON_OLD,
    READER,
    SITE,
    STORE,
    Archive,
)
from tests.real.steps import until

pytestmark = [pytest.mark.real, pytest.mark.slow]


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
    on_old.run(OLD, f"{bound}; {there} sleep 600; {apart}")
    try:
        with pytest.raises(PlaybookFailed, match="cannot be sealed for everybody") as refused:
            on_old.step("lag")
        assert "can also be written at /mnt/permits" in refused.value.reason
        assert re.search(r"sleep \(\d+\) of standing.service works in it", refused.value.reason)
        at = "/mnt/permits, /srv/archive, /srv/archive/mounted"
        assert f"of container.service has it at {at}, by mounts" in refused.value.reason
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
    # A folder never becomes smaller, however few names are left in it.
    shown = r"\( -type d -printf '%p %m %U %G %n\0' -o -printf '%p %y %m %U %G %s %n %l\0' \)"
    looks = (
        f"cd /srv/archive && {rest} {shown} | sort -z | sha256sum",
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


REWRITTEN = (
    "cd /srv/archive; touch -r ledger.txt /tmp/kept; printf {:.5} | dd of=ledger.txt conv=notrunc; "
    "touch -r /tmp/kept ledger.txt; mkdir -p many; seq 500 | sed s:^:many/: | xargs touch -d 2001-01-01"
)
"""Changes a file, whose size and time stay the same, and makes many whose time is an old one."""


def test_there_and_back_and_there_again_while_readers_deposit(on_old: Archive) -> None:
    before = on_old.deposits(OLD)
    for mode, there, sides in (("apply", NEW, ON_NEW), ("undo", OLD, ON_OLD), ("apply", NEW, ON_NEW)):
        until(lambda: on_old.step("lag", mode="probe").state == "done")
        on_old.run(OLD if there == NEW else NEW, REWRITTEN.format(there))
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


def test_the_entry_is_taken_away_when_its_name_has_gone_back(archive: Archive) -> None:
    def named() -> str:
        return archive.run("ns1", f"dig +short @127.0.0.1 {NAME}").stdout.strip()

    assert archive.step("front", SITE, mode="probe").state == "done"
    assert named() == ADDRESSES[ENTRY]
    assert archive.step("front", SITE, mode="undo").state == "not-done"
    assert named() == ADDRESSES[OLD]
    assert archive.run(READER, f"curl -s -m 2 http://{ADDRESSES[ENTRY]}/", check=False).returncode != 0
    assert archive.step("front", SITE).state == "done"
