"""Before anything is copied: a zombie is kept, and a target that is not as it should be is refused."""

import pytest

from migrations.actuators.ansible.runner import PlaybookFailed
from tests.real.archive.hosts import ADDRESSES, NEW, NOTICES, OLD, READER, STORE, ZOMBIE, Archive

pytestmark = [pytest.mark.real, pytest.mark.slow]


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
        assert empty.step("prepare", STORE, mode="undo").state == "not-done"
    for host in (OLD, NEW):
        assert "zhenghe:" not in empty.run(host, "cat /root/.ssh/authorized_keys").stdout


def test_a_copy_that_does_not_follow_is_given_up_and_nothing_changes_for_clients(empty: Archive) -> None:
    empty.step("prepare", STORE)
    empty.run(OLD, "sed -i.bak /zhenghe:/d /root/.ssh/authorized_keys")
    with pytest.raises(PlaybookFailed, match="does not follow after 2 s"):
        empty.step("replicate", STORE, limits={"catch_up": "2s"})
    assert empty.run(NEW, "systemctl is-active zhenghe-pull-archive-store", check=False).stdout.strip() != "active"
    assert empty.writable(OLD)
    assert empty.step("prepare", STORE).state == "done"
