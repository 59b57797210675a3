"""A folder that moves: what a copy of it would lose is named, who could write behind its seal is found, by parts."""

# ruff: noqa: I001 - what runs on hosts is importable once `hostside` is

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit import hostside  # noqa: F401
from ansible.module_utils import zhenghe_mounts as mounting
from ansible.module_utils import zhenghe_holders
from ansible.module_utils import zhenghe_tree
from ansible.module_utils.zhenghe_changes import Changes, changed_unseen
from ansible.module_utils.zhenghe_findings import Findings, looked_over, still_refused
from ansible.module_utils.zhenghe_holders import holders
from ansible.module_utils.zhenghe_listing import Listing
from ansible.module_utils.zhenghe_readers import into_cell
from ansible.module_utils.zhenghe_store import Store
from ansible.module_utils.zhenghe_tree import coded, decoded, described

MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 8:2 / /srv rw,relatime shared:2 - ext4 /dev/sdb1 rw,usrquota
31 30 8:3 / /srv/archive/2009 rw shared:3 - xfs /dev/sdc1 rw
32 30 0:50 / /srv/archive/scans rw shared:4 - nfs4 nas:/scans rw,vers=4.2
33 30 0:51 / /srv/archive/with\040space rw - tmpfs none rw
34 22 8:2 /archive/permits /mnt/permits rw - ext4 /dev/sdb1 rw
35 22 8:3 / /mnt/years rw - xfs /dev/sdc1 rw
36 22 8:2 /archive /var/lib/zhenghe/raw/a rw - ext4 /dev/sdb1 rw
37 22 8:2 /archive/x /mnt/readonly ro - ext4 /dev/sdb1 rw
38 22 8:2 /other /mnt/other rw - ext4 /dev/sdb1 rw
""".strip()


@pytest.fixture
def own() -> list[mounting.Mount]:
    found: list[mounting.Mount] = mounting.parsed(MOUNTS)
    return found


def test_what_is_mounted_below_a_folder_is_listed(own: list[mounting.Mount]) -> None:
    points = [one.point for one in mounting.below("/srv/archive", own)]
    assert points == ["/srv/archive/2009", "/srv/archive/scans", "/srv/archive/with space"]


def test_other_paths_by_which_a_folder_can_be_written_are_found(own: list[mounting.Mount]) -> None:
    views = ("/var/lib/zhenghe/raw/a",)
    assert mounting.elsewhere("/srv/archive", own, views) == ["/mnt/permits", "/mnt/years"]


def test_the_same_file_system_mounted_once_more_is_another_way_in(own: list[mounting.Mount]) -> None:
    again = mounting.parsed("50 22 8:2 / /mnt/all rw shared:9 - ext4 /dev/sdb1 rw")
    taking_over = mounting.parsed("50 22 8:2 / /mnt/all rw shared:2 - ext4 /dev/sdb1 rw")
    assert "/mnt/all/archive" in mounting.elsewhere("/srv/archive", [*own, *again])
    assert "/mnt/all/archive" not in mounting.elsewhere("/srv/archive", [*own, *taking_over])
    bound = mounting.parsed("51 30 8:1 /outer /srv/archive/outer rw shared:1 - ext4 /dev/sda1 rw")
    assert "/outer" in mounting.elsewhere("/srv/archive", [*own, *bound])


NAMESPACES = {
    "a service's, that takes over what is mounted": ("90 1 8:2 / /srv rw master:2 - ext4 /dev/sdb1 rw", []),
    "by another group": (
        "90 1 8:2 / /x rw shared:7 master:2 - ext4 /dev/sdb1 rw\n91 1 8:2 / /srv rw master:7 - ext4 /dev/sdb1 rw", [],
    ),
    "a container's": ("90 1 8:2 /archive /data rw,relatime - ext4 /dev/sdb1 rw", ["/data"]),
    "a container's, that reads": ("90 1 8:2 /archive /data ro,relatime - ext4 /dev/sdb1 rw", []),
    "a container's, of a part": ("90 1 8:2 /archive/in /in rw master:2 - ext4 /dev/sdb1 rw", ["/in"]),
    "a container's, of another folder": ("90 1 8:2 /other /data rw - ext4 /dev/sdb1 rw", []),
    "all of the host": ("90 1 8:2 / /host/srv rw - ext4 /dev/sdb1 rw", ["/host/srv/archive"]),
    "what is mounted below alone": ("90 1 8:3 / /years rw master:3 - xfs /dev/sdc1 rw", ["/years"]),
    "the same, and hidden": (
        "90 1 8:2 / /srv rw - ext4 /dev/sdb1 rw\n91 90 0:9 / /srv/archive rw - tmpfs none rw", [],
    ),
    "where the seal came, with a part below it": (
        "90 1 8:2 / /srv rw master:2 - ext4 /dev/sdb1 rw\n91 90 8:2 /archive/in /srv/archive/in rw - ext4 /dev/sdb1 rw",
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("whose", NAMESPACES)
def test_a_mount_namespace_that_no_seal_reaches_is_told_from_others(own: list[mounting.Mount], whose: str) -> None:
    text, found = NAMESPACES[whose]
    assert mounting.unsealed("/srv/archive", own, mounting.parsed(text)) == found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has mounts of its own")
def test_who_has_mounts_of_his_own_is_found_though_he_holds_nothing_open(folder: Path) -> None:
    with subprocess.Popen(
        ("unshare", "--mount", "--propagation", "private", "sh", "-c", "echo there; read -r end"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        try:
            (found,) = [one for one in holders(str(folder)) if one.number == str(process.pid)]
            assert f"has it at {folder}, by mounts of its own that no seal reaches" in str(found)
        finally:
            process.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has mounts of its own")
def test_a_sender_of_ours_whose_cell_is_being_built_is_nobody_elses(folder: Path) -> None:
    # Its first deed in there takes a while, as on a busy host; another program is at work for it.
    shell, how, script, *words = into_cell(str(folder), "", ["true"])
    command = (shell, how, f"{script.splitlines()[0]}\ncat; echo", *words)
    with subprocess.Popen(
        ("unshare", "--mount", *command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"there\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"there\n"
        try:
            inside = {str(process.pid), *Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}
            assert len(inside) == 2
            assert [str(one) for one in holders(str(folder)) if one.number in inside] == []
        finally:
            process.stdin.close()


def test_a_folder_to_which_a_link_leads_is_refused_with_where_it_really_lies(folder: Path) -> None:
    by_itself, above = folder.parent / "link", folder.parent / "above"
    by_itself.symlink_to(folder)
    above.symlink_to(folder.parent)
    for path in (by_itself, above / "root"):
        assert [f"really lies at {folder}," in one for one in looked_over(str(path)).refused] == [True]
        assert still_refused(str(path), (), []) == looked_over(str(path)).refused


@pytest.mark.parametrize("written", ["/srv/archive/", "//srv/archive", "/srv/./archive", "/srv/x/../archive"])
def test_a_folder_is_known_by_the_path_that_the_kernel_writes(written: str) -> None:
    assert Store("no-such-store", written).root == "/srv/archive"


@pytest.mark.parametrize(
    "path, place",
    [
        ("/srv/archive", ("8:2", "/archive")),
        ("/srv/archive/2009/a", ("8:3", "/a")),
        ("/mnt/permits/x", ("8:2", "/archive/permits/x")),
        ("/srv", ("8:2", "/")),
        ("/srvx", ("8:1", "/srvx")),
    ],
)
def test_a_path_has_one_place_whatever_leads_there(
    own: list[mounting.Mount], path: str, place: tuple[str, str]
) -> None:
    mount = mounting.carrying(path, own)
    assert mount is not None
    assert mounting.place_on(mount, path) == place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file that is named outside as well, a FIFO, a socket, and names that are no text."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "one").write_text("1")
    os.link(root / "one", tmp_path / "outer")
    os.link(root / "one", root / "sub" / "again")
    os.mkfifo(root / "queue")
    (root / os.fsdecode(b"\xd5\xc5.txt")).write_text("gbk")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "s"))
    return root


def test_what_a_copy_would_change_is_named(folder: Path) -> None:
    found: Findings = looked_over(str(folder))
    told = "\n".join(found.reported)
    assert "1 files have another name outside of the folder" in told
    assert "one, sub/again" in told
    assert "1 FIFOs move as such, and nobody is behind them there: queue" in told
    assert "1 sockets move as such" in told
    assert found.files == 7
    assert found.refused == []


def test_a_file_whose_other_name_does_not_move_is_the_same_without_it(folder: Path) -> None:
    (folder / "sub" / "again").unlink()
    before = described(str(folder))
    (folder.parent / "outer").unlink()
    assert described(str(folder)) == before
    os.link(folder / "one", folder / "sub" / "again")
    assert described(str(folder))[coded(b"one")] != before[coded(b"one")]


def test_what_comes_to_be_mounted_after_preparation_is_said(folder: Path) -> None:
    assert still_refused(str(folder), (), []) == []
    (said,) = still_refused(str(folder), (), ["years"])
    assert f"unmounted since it was prepared: {folder}/years" in said


WRITERS = {
    "works in it": "os.chdir(root)",
    "has files open for writing": "kept = open(root + '/one', 'a')",
    "holds it open": "kept = os.open(root + '/sub', os.O_RDONLY)",
    "has files mapped for writing": "f = open(root + '/one', 'r+b'); kept = mmap.mmap(f.fileno(), 0); f.close()",
    "has its root in it": "os.chroot(root)",
}


@contextmanager
def at_work(root: Path, what: str) -> Iterator["subprocess.Popen[str]"]:
    """Keep a process that does something in the folder."""
    code = f"import mmap, os, sys; root = {str(root)!r}; {what}; print('there', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        (sys.executable, "-c", code), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        try:
            yield process
        finally:
            process.kill()


def held(root: Path, links: tuple[tuple[int, int], ...] = ()) -> list[zhenghe_holders.Holder]:
    """Return who holds a folder, without the containers of the machine that has it."""
    return [one for one in holders(str(root), links) if one.ways != ["mount"]]


@pytest.mark.parametrize("how", WRITERS)
def test_everybody_whom_a_seal_would_not_hold_is_found(folder: Path, how: str) -> None:
    if how == "has its root in it":
        if os.geteuid():
            pytest.skip("only root may chroot")
        how_told = "has it as its root"
    else:
        how_told = how
    with at_work(folder, WRITERS[how]) as process:
        (found,) = held(folder)
        assert how_told in str(found)
        assert f"({process.pid})" in str(found)
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        assert held(folder) == []
    assert held(folder) == []


_THREAD = """
import ctypes, threading
def stand():
    ctypes.CDLL(None).unshare(0x200)
    os.chdir(root)
    standing.set()
    threading.Event().wait()
standing = threading.Event()
threading.Thread(target=stand, daemon=True).start()
standing.wait()
"""


def test_a_thread_that_stands_in_a_folder_alone_is_found(folder: Path) -> None:
    with at_work(folder, f"exec({_THREAD!r})") as process:
        assert "works in it" in str(held(folder)[0])
        assert Path(f"/proc/{process.pid}/cwd").readlink() != folder


def test_what_the_kernel_writes_into_a_folder_by_itself_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, swap = folder / "disk.img", folder / "swap file"
    for number, file in enumerate((image, swap, tmp_path / "elsewhere.img", image)):
        file.touch()
        block = tmp_path / "block" / f"loop{number}"
        (block / "loop").mkdir(parents=True)
        (block / "loop" / "backing_file").write_text(f"{file}\n")
        # The second one is attached nowhere, the last one only to be read.
        (block / "ro").write_text("1\n" if number in (1, 3) else "0\n")
    written = str(swap).replace(" ", "\\040")
    (tmp_path / "swaps").write_text(f"Filename Type Size Used Priority\n{written} file 9 0 -2\n")
    monkeypatch.setattr(zhenghe_holders, "BLOCKS", tmp_path / "block")
    monkeypatch.setattr(zhenghe_holders, "SWAPS", tmp_path / "swaps")
    said = looked_over(str(folder)).refused
    assert said == still_refused(str(folder), (), [])
    assert [one.partition(": ")[2].split(":")[0] for one in said] == [
        f"{image} is the image of /dev/loop0", f"{swap} is swapped to"
    ]  # fmt: skip


NAMELESS = {
    "a file": "kept = open(root + '/gone', 'w'); os.unlink(root + '/gone')",
    "a mapped file": "f = open(root + '/gone', 'w+b'); f.write(b'0'); f.flush(); kept = mmap.mmap(f.fileno(), 0); "
                     "os.unlink(root + '/gone'); f.close()",
    "a folder": "os.mkdir(root + '/gone'); os.chdir(root + '/gone'); os.rmdir(root + '/gone')",
}  # fmt: skip


@pytest.mark.parametrize("what", NAMELESS)
def test_what_has_no_name_any_more_holds_nobody_up(folder: Path, what: str) -> None:
    with at_work(folder, NAMELESS[what]):
        assert held(folder) == []


def test_who_only_reads_is_left_alone(folder: Path) -> None:
    with at_work(folder, "kept = open(root + '/one')"):
        assert held(folder) == []


def test_a_file_that_is_open_by_its_outer_name_is_found(folder: Path) -> None:
    outer = looked_over(str(folder)).outer
    with at_work(folder, "kept = open(root + '/../outer', 'a')"):
        assert held(folder) == []
        (found,) = held(folder, outer)
        assert "has files open for writing" in str(found)


def _rename_over(root: Path) -> None:
    (root / "new").write_text("new")
    (root / "new").rename(root / "one")


def _folder_becomes_file(root: Path) -> None:
    (root / "sub" / "again").unlink()
    (root / "sub").rmdir()
    (root / "sub").touch()


def _deep_folder(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "c").touch()


CHANGES: dict[str, tuple[Callable[[Path], object], set[bytes]]] = {
    "a new file": (lambda root: (root / "sub" / "n").write_text("n"), {b"sub/n"}),
    "an appended file": (lambda root: (root / "one").open("a").write("more"), {b"one", b"sub/again"}),
    "a truncated file": (lambda root: os.truncate(root / "one", 0), {b"one", b"sub/again"}),
    "rights": (lambda root: (root / "sub").chmod(0o700), {b"sub"}),
    "a removed file": (lambda root: (root / "queue").unlink(), {b"queue"}),
    "a renamed file": (_rename_over, {b"one", b"new"}),
    "another link": (lambda root: os.link(root / "sub" / "again", root / "third"), {b"third", b"one", b"sub/again"}),
    "a name that is no text": (lambda root: (root / os.fsdecode(b"\xce")).touch(), {b"\xce"}),
    "a folder that was moved": (lambda root: (root / "sub").rename(root / "moved"), {b"sub", b"moved", b"moved/again"}),
    "a folder that became a file": (_folder_becomes_file, {b"sub"}),
    "a deep new folder": (_deep_folder, {b"a", b"a/b", b"a/b/c"}),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_told_and_a_list_that_follows_it_is_that_of_a_new_look(folder: Path, what: str) -> None:
    change, wanted = CHANGES[what]
    changes = Changes(str(folder))
    changes.start()
    listing = Listing(str(folder), links=True)
    before = listing.told
    change(folder)
    paths = listing.with_other_names(changes.paths())
    changes.stop()
    assert not changes.why_all
    assert wanted <= paths
    listing.look_again(paths)
    assert listing.told == Listing(str(folder)).told != before


def _written_in_secret(file: Path, time: int) -> None:
    file.write_text("2")
    os.utime(file, (time, time))


def _replaced_in_secret(file: Path) -> None:
    _written_in_secret(file.with_name("new"), 1)
    file.with_name("new").rename(file)


HIDDEN: dict[str, Callable[[Path], None]] = {
    "other content, the old time": lambda file: _written_in_secret(file, 1),
    "a time to come": lambda file: _written_in_secret(file, 1 << 33),
    "another file in its place": _replaced_in_secret,
}


@pytest.mark.parametrize("how", HIDDEN)
def test_a_change_that_keeps_size_and_time_is_doubted_and_no_other(folder: Path, how: str) -> None:
    file, since = folder / "one", time.time()
    (folder / "sub" / "written").write_text("now")
    assert changed_unseen(str(folder), time.time() + 2) == []
    HIDDEN[how](file)
    assert b"one" in changed_unseen(str(folder), since)
    assert b"sub/written" not in changed_unseen(str(folder), since)


def test_nothing_changed_is_an_empty_list(folder: Path) -> None:
    changes = Changes(str(folder))
    changes.start()
    assert changes.paths() == set()
    changes.stop()


def test_more_changes_than_the_kernel_keeps_are_said_to_be_unknown(folder: Path) -> None:
    changes = Changes(str(folder))
    changes.start()
    # Nobody listens for a while, as on a busy host.
    changes._ended.set()
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with changes._lock:
        for number in range(most // 2 + 1000):
            (folder / f"f{number % 7}").touch()
            (folder / f"f{number % 7}").unlink()
    changes.paths()
    changes.stop()
    assert "too many changes" in changes.why_all


def test_a_path_that_leads_out_of_its_folder_is_not_taken() -> None:
    assert decoded(coded(b"a/\xce..b")) == b"a/\xce..b"
    for path in (b"/etc/shadow", b"../x", b"a/../../x"):
        with pytest.raises(ValueError, match="does not lie in the folder"):
            decoded(coded(path))


def test_what_is_gone_is_removed_and_no_link_is_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "copy"
    (outside / "kept").mkdir(parents=True)
    (root / "folder" / "deep").mkdir(parents=True)
    (root / "folder" / "deep" / "file").touch()
    (root / "folder" / "link").symlink_to(outside)
    (root / "link").symlink_to(outside)
    for path in (b"link/kept", b"missing", b"missing/file", b"folder/deep/file/below"):
        zhenghe_tree.remove(str(root), path)
    assert (root / "folder" / "deep" / "file").exists()
    zhenghe_tree.remove(str(root), b"folder")
    zhenghe_tree.remove(str(root), b"link")
    assert list(root.iterdir()) == []
    assert (outside / "kept").is_dir()
