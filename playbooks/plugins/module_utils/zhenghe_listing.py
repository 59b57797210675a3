"""A list of all that is in a folder, by which two hosts say that they have the same without looking again.

Names, kinds, rights, owners, sizes, times and links' ends are in it, not content: a list is made in a pass of lstat.
Its digest does not depend on order, so what changed later is taken out and put in.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any, Iterable

from ansible.module_utils.zhenghe_tree import entries

Inode = tuple[int, int]


class Listing:
    """The paths of a folder, each with a digest of what it is."""

    def __init__(self, root: str, *, links: bool = False) -> None:
        self._root = os.fsencode(root)
        self._seen: dict[bytes, int] = {}
        self._folders: set[bytes] = set()
        self._names: dict[Inode, set[bytes]] = {}
        self._links = links
        """Whether the names of each file are kept, to find all of them where one has changed."""
        for path, state in entries(root):
            self._take(path, state)

    @property
    def told(self) -> dict[str, Any]:
        """Return count and digest."""
        total = sum(self._seen.values()) % (1 << 128)
        return {"entries": len(self._seen), "digest": f"{total:032x}"}

    def with_other_names(self, paths: Iterable[bytes]) -> set[bytes]:
        """Return the paths with all other names of the same files."""
        found = set(paths)
        for path in tuple(found):
            state = self._state(path)
            if state is not None and stat.S_ISREG(state.st_mode):
                self._names.setdefault((state.st_dev, state.st_ino), set()).add(path)
        for path in tuple(found):
            state = self._state(path)
            if state is not None and stat.S_ISREG(state.st_mode) and state.st_nlink > 1:
                found |= self._names[state.st_dev, state.st_ino]
        return found

    def look_again(self, paths: Iterable[bytes]) -> None:
        """Bring some paths to what they are now."""
        for path in paths:
            state = self._state(path)
            if path in self._folders and (state is None or not stat.S_ISDIR(state.st_mode)):
                # What was in a folder that is gone is gone with it.
                for other in [one for one in self._seen if one.startswith(path + b"/")]:
                    self._forget(other)
            if state is None:
                self._forget(path)
            else:
                self._take(path, state)

    def _forget(self, path: bytes) -> None:
        self._seen.pop(path, None)
        self._folders.discard(path)

    def _state(self, path: bytes) -> os.stat_result | None:
        try:
            return os.lstat(os.path.join(self._root, path))
        except OSError:
            return None

    def _take(self, path: bytes, state: os.stat_result) -> None:
        self._seen[path] = _digest(os.path.join(self._root, path), path, state)
        if stat.S_ISDIR(state.st_mode):
            self._folders.add(path)
        else:
            self._folders.discard(path)
        if self._links and stat.S_ISREG(state.st_mode):
            self._names.setdefault((state.st_dev, state.st_ino), set()).add(path)


def _digest(full: bytes, path: bytes, state: os.stat_result) -> int:
    mode = state.st_mode
    words = [path, b"%d %d %d" % (mode, state.st_uid, state.st_gid)]
    if stat.S_ISREG(mode):
        words.append(b"%d %d" % (state.st_size, state.st_mtime_ns))
    elif stat.S_ISLNK(mode):
        words.append(os.readlink(full))
    elif stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
        words.append(b"%d" % state.st_rdev)
    return int.from_bytes(hashlib.blake2b(b"\0".join(words), digest_size=16).digest(), "big")
