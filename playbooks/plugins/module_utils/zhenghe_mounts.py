"""What is mounted where, and where a path really lies: a folder may be reached by other paths than its own."""

from __future__ import annotations

import re
from typing import Iterable, Iterator, NamedTuple

NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "ceph", "9p", "afs", "coda", "lustre", "gpfs", "ocfs2",
    "gfs2", "glusterfs", "beegfs", "orangefs",
})  # fmt: skip
"""Kinds of file systems that other hosts write as well."""
NO_FILES = frozenset({
    "proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "mqueue", "debugfs", "tracefs", "securityfs",
    "pstore", "bpf", "configfs", "autofs", "binfmt_misc", "hugetlbfs", "fusectl", "efivarfs", "rpc_pipefs", "nsfs",
    "selinuxfs",
})  # fmt: skip
"""Kinds that the kernel makes up."""
LOCAL_FUSE = frozenset({"fuseblk", "fuse.fuse-overlayfs"})

Place = tuple[str, str]
"""A device and the path within its file system: the same for every path by which a file is reached."""


class Mount(NamedTuple):
    """One line of mountinfo."""

    number: str
    device: str
    root: str
    """Which part of its file system is mounted."""
    point: str
    options: tuple[str, ...]
    kind: str
    source: str
    limits: tuple[str, ...]
    """The options of the file system itself."""
    peers: frozenset[str] = frozenset()
    """Groups of mounts from which it takes over what is mounted there."""
    group: str = ""
    """The group of mounts that takes over what is mounted on it."""


def parsed(text: str) -> list[Mount]:
    """Return the mounts that a mountinfo lists, in its order: later ones lie over earlier ones."""
    found = []
    for line in text.splitlines():
        head, _, tail = line.partition(" - ")
        words, rest = head.split(" "), tail.split(" ")
        if len(words) < 6 or len(rest) < 2:
            continue
        limits = tuple(rest[2].split(",")) if len(rest) > 2 else ()
        ties = [word.partition(":") for word in words[6:]]
        found.append(
            Mount(words[0], words[2], _plain(words[3]), _plain(words[4]), tuple(words[5].split(",")),
                  rest[0], _plain(rest[1]), limits,
                  frozenset(number for name, _, number in ties if name in {"shared", "master", "propagate_from"}),
                  next((number for name, _, number in ties if name == "shared"), ""))
        )  # fmt: skip
    return found


def mounts(process: str = "self") -> list[Mount]:
    """Return what is mounted as one process sees it."""
    with open(f"/proc/{process}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return parsed(file.read())


def inside(path: str, folder: str) -> bool:
    """Say whether a path is a folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def below(folder: str, among: Iterable[Mount]) -> list[Mount]:
    """Return what is mounted below a folder, the uppermost at each point."""
    start = folder.rstrip("/") + "/"
    return list({one.point: one for one in among if one.point.startswith(start)}.values())


def carrying(path: str, among: Iterable[Mount]) -> Mount | None:
    """Return the mount that a path lies on."""
    best: Mount | None = None
    for one in among:
        if inside(path, one.point) and (best is None or len(one.point) >= len(best.point)):
            best = one
    return best


def place_on(mount: Mount, path: str) -> Place:
    """Return where a path lies that is seen through a mount."""
    rest = path[len(mount.point.rstrip("/")) :]
    return mount.device, mount.root.rstrip("/") + rest or "/"


def extents(folder: str, among: list[Mount]) -> list[Place]:
    """Return all places that a folder is made of: itself, and what is mounted below it."""
    own = carrying(folder, among)
    places = [place_on(own, folder)] if own else []
    return places + [(one.device, one.root) for one in below(folder, among)]


def within(place: Place, places: Iterable[Place]) -> bool:
    """Say whether a place lies in one of several."""
    return any(place[0] == device and inside(place[1], path) for device, path in places)


def elsewhere(folder: str, among: list[Mount], besides: Iterable[str] = ()) -> list[str]:
    """Return the paths outside a folder by which a part of it can be seen and written as well."""
    skipped = (folder, *besides)
    places = extents(folder, among)
    found = {one.point for one in among if _writable(one) and within((one.device, one.root), places)}
    found |= set(unsealed(folder, among, among, besides))
    return sorted(path for path in found if not any(inside(path, skip) for skip in skipped))


def unsealed(folder: str, own: list[Mount], among: list[Mount], besides: Iterable[str] = ()) -> list[str]:
    """Return the paths in a mount namespace by which a folder of this one could be written after its seal.

    A seal is a mount: only mounts that take over what is mounted here get it. `own` are the mounts of this namespace.
    """
    upon = carrying(folder, own)
    sealing = _taking_over(upon.group, (*own, *among)) if upon else frozenset()
    open_, closed = set(), list(besides)
    for path, mount, whole in _views(extents(folder, own), among):
        if whole and (mount is upon or sealing & mount.peers):
            closed.append(path)
        else:
            open_.add(path)
    return sorted(path for path in open_ if not any(inside(path, one) for one in closed))


def _views(places: list[Place], among: list[Mount]) -> Iterator[tuple[str, Mount, bool]]:
    """Yield by which path each writable mount shows a part of some places, and whether all of the first one."""
    for mount in among:
        for number, (device, place) in enumerate(places):
            if mount.device != device or not _writable(mount):
                continue
            if inside(place, mount.root):
                rest = place[len(mount.root.rstrip("/")) :].rstrip("/")
                path, whole = mount.point.rstrip("/") + rest or "/", number == 0
            elif inside(mount.root, place):
                path, whole = mount.point, False
            else:
                continue
            # Otherwise another mount lies over it.
            if carrying(path, among) is mount:
                yield path, mount, whole


def _taking_over(group: str, among: Iterable[Mount]) -> frozenset[str]:
    """Return a group of mounts with all groups that take over from it, directly or by others."""
    every, found = list(among), {group} - {""}
    while True:
        more = {one.group for one in every if one.group and one.peers & found} - found
        if not more:
            return frozenset(found)
        found |= more


def _writable(mount: Mount) -> bool:
    return "ro" not in mount.options and "ro" not in mount.limits


def _plain(text: str) -> str:
    return re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), text)
