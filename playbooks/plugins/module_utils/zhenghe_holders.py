"""Who could still write into a sealed folder: a seal lies over its path, and these came in before or by another one.

A process that stands in the folder (its working directory, its root, a folder that it holds open) writes by relative
paths below the seal; one that has a file open for writing, or mapped, goes on with it; one in mount namespaces of its
own may have another way in.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Iterable, Iterator

from ansible.module_utils import zhenghe_mounts as mounting
from ansible.module_utils.zhenghe_mounts import Mount, Place

PROC = Path("/proc")
BLOCKS = Path("/sys/block")
SWAPS = Path("/proc/swaps")
VIEWS = "/var/lib/zhenghe"
"""What is mounted there is the copy's alone (`zhenghe_store`)."""
EXPORTS = (Path("/proc/fs/nfsd/exports"), Path("/var/lib/nfs/etab"))
_CELL = b"sh\0-ec\0: zhenghe cell\n"
"""How the command line begins of a shell that builds a cell for a sender (`zhenghe_readers`)."""
_SENDER = b"rsync\0--server\0--sender\0"
_COPYING = (_SENDER, b"chroot\0.\0" + _SENDER, b"unshare\0--mount\0" + _CELL)
"""A sender, what it was right before, and what builds its cell: each becomes the next."""
_WAYS = {
    "cwd": "works in it",
    "root": "has it as its root",
    "fd": "holds it open",
    "write": "has files open for writing",
    "map": "has files mapped for writing",
    "mount": "has it at {points}, by mounts of its own that no seal reaches",
}


class Holder:
    """A process that could write behind the seal."""

    def __init__(self, process: Path, ways: Iterable[str], points: Iterable[str] = ()) -> None:
        self.number = process.name
        self.name = (process / "comm").read_text(errors="replace").strip()
        self.unit = _unit(process)
        self.ways = sorted(set(ways))
        self.points = tuple(points)

    def __str__(self) -> str:
        of = f" of {self.unit}" if self.unit else ""
        ways = " and ".join(_WAYS[way] for way in self.ways).format(points=", ".join(self.points[:3]))
        return f"{self.name} ({self.number}){of} {ways}"


def holders(folder: str, links: Iterable[tuple[int, int]] = (), services: Iterable[str] = ()) -> list[Holder]:
    """Return the processes that could still write into a folder once it is sealed; stopped ones cannot.

    `links` are files (device, inode) of the folder that have names outside of it; `services` are those that the move
    itself holds.
    """
    seen = _Folder(folder, links)
    held = {f"{service}.service" for service in services}
    found = []
    for process in sorted(PROC.glob("[0-9]*"), key=lambda one: int(one.name)):
        with contextlib.suppress(OSError):
            if _is_ours(process) or _state(process) in "TtZX":
                continue
            if _unit(process) in held:
                continue
            ways = list(seen.ways(process))
            points = seen.points(process)
            if ways or points:
                found.append(Holder(process, [*ways, *(["mount"] if points else [])], points))
    return found


def exported(folder: str) -> list[str]:
    """Return the NFS exports by which other hosts write into a folder, whatever is mounted over it here."""
    found = set()
    for file in EXPORTS:
        with contextlib.suppress(OSError):
            for line in file.read_text(errors="replace").splitlines():
                path = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), line.split("\t")[0].split(" ")[0])
                if path.startswith("/") and (mounting.inside(path, folder) or mounting.inside(folder, path)):
                    found.add(path)
    return sorted(found)


def attached(folder: str) -> list[str]:
    """Return what the kernel itself writes into a folder's files, with no process behind it: images and swap."""
    own = mounting.mounts()
    places = mounting.extents(folder, own)
    found = []
    for path, what in (*_images(own), *_swap()):
        mount = mounting.carrying(path, own)
        if mount is not None and mounting.within(mounting.place_on(mount, path), places) and os.path.exists(path):
            found.append(f"{path} {what}")
    return sorted(found)


def _images(own: list[Mount]) -> Iterator[tuple[str, str]]:
    for block in BLOCKS.glob("loop*"):
        with contextlib.suppress(OSError):
            if (block / "ro").read_text().strip() == "0":
                path = (block / "loop" / "backing_file").read_text(errors="surrogateescape").rstrip("\n")
                at = [one.point for one in own if one.source == f"/dev/{block.name}"]
                where = f", mounted at {', '.join(at)}" if at else ""
                yield path, f"is the image of /dev/{block.name}{where}: unmount it, and losetup --detach"


def _swap() -> Iterator[tuple[str, str]]:
    with contextlib.suppress(OSError):
        for line in SWAPS.read_text(errors="surrogateescape").splitlines()[1:]:
            path, kind = line.split()[:2]
            if kind == "file":
                # Blanks are written as they are in mountinfo.
                yield re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), path), "is swapped to: swapoff"


class _Folder:
    """The folder, by all the paths that lead into it."""

    def __init__(self, folder: str, links: Iterable[tuple[int, int]]) -> None:
        self._own = mounting.mounts()
        self._places = mounting.extents(folder, self._own)
        self._links = frozenset(links)
        self._namespace = os.readlink("/proc/self/ns/mnt")
        self._others: dict[str, list[Mount]] = {}
        self._folder = folder
        self._told: set[str] = {self._namespace}

    def ways(self, process: Path) -> Iterator[str]:
        """Say by what a process could write into the folder."""
        seen = self._seen_by(process)
        for name in ("cwd", "root"):
            for view in _standing(process, name):
                with contextlib.suppress(OSError):
                    if self._holds(os.readlink(str(view)), seen) and _writable(view):
                        yield name
        for fd in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                way = self._open(fd, seen)
                if way:
                    yield way
        with contextlib.suppress(OSError):
            if any(self._holds(path, seen) for path in _mapped(process)):
                yield "map"

    def points(self, process: Path) -> list[str]:
        """Return by which paths a process could write into the sealed folder; of each mount namespace only once."""
        namespace = os.readlink(str(process / "ns" / "mnt"))
        if namespace in self._told:
            return []
        self._told.add(namespace)
        points = mounting.unsealed(self._folder, self._own, self._seen_by(process), (VIEWS,))
        # A cell was being built when its process was listed, and may have become the sender since.
        return [] if points and (namespace in _cells() or _is_ours(process)) else points

    def _seen_by(self, process: Path) -> list[Mount]:
        namespace = os.readlink(str(process / "ns" / "mnt"))
        if namespace == self._namespace:
            return self._own
        if namespace not in self._others:
            self._others[namespace] = mounting.mounts(process.name)
        return self._others[namespace]

    def _holds(self, path: str, seen: list[Mount]) -> bool:
        if not path.startswith("/"):
            return False
        mount = mounting.carrying(path, seen)
        return mount is not None and self._inside(mounting.place_on(mount, path))

    def _inside(self, place: Place) -> bool:
        return mounting.within(place, self._places)

    def _open(self, fd: Path, seen: list[Mount]) -> str:
        path = os.readlink(str(fd))
        outer = bool(self._links) and path.startswith("/")
        if not outer and not self._holds(path, seen):
            return ""
        state = os.stat(str(fd))
        if not state.st_nlink:
            # It has no name any more: nobody sees what is written there, and it ends with its process.
            return ""
        if outer and (state.st_dev, state.st_ino) not in self._links and not self._holds(path, seen):
            return ""
        if os.path.isdir(str(fd)):
            return "fd" if _writable(fd) else ""
        flags = re.search(r"^flags:\s+(\d+)", (fd.parent.parent / "fdinfo" / fd.name).read_text(), re.MULTILINE)
        return "write" if flags and int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY else ""


def _standing(process: Path, name: str) -> Iterator[Path]:
    """Return a process's view, and those of its threads that stand elsewhere, as Samba's do."""
    own = process / name
    yield own
    first = os.readlink(str(own))
    for task in os.listdir(process / "task"):
        view = process / "task" / task / name
        with contextlib.suppress(OSError):
            if os.readlink(str(view)) != first:
                yield view


def _writable(view: Path) -> bool:
    # Whoever came after the seal stands in the read-only view; a folder that was removed takes nothing new.
    return bool(os.stat(str(view)).st_nlink) and not os.statvfs(str(view)).f_flag & os.ST_RDONLY


def _mapped(process: Path) -> Iterator[str]:
    text = (process / "maps").read_text(errors="surrogateescape")
    for match in re.finditer(r"^\S+ .w.s \S+ \S+ \d+ +(/.*)$", text, re.MULTILINE):
        if not match[1].endswith(" (deleted)") or os.path.lexists(match[1]):
            yield match[1]


def _state(process: Path) -> str:
    return (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]


def _is_ours(process: Path) -> bool:
    return process.name == str(os.getpid()) or (process / "cmdline").read_bytes().startswith(_COPYING)


def _cells() -> Iterator[str]:
    """Yield the mount namespaces of cells that are just being built: what is in them reads, and ends with its copy."""
    for process in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cmdline").read_bytes().startswith(_CELL):
                yield os.readlink(str(process / "ns" / "mnt"))


def _unit(process: Path) -> str:
    found: str | None = None
    with contextlib.suppress(OSError):
        for line in (process / "cgroup").read_text(errors="replace").splitlines():
            match = re.search(r"/([^/]+\.service)(?:/|$)", line.rpartition(":")[2])
            found = match[1] if match else found
    return found or ""
