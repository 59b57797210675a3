"""What has changed in a folder since a moment, told by the kernel: so that a pause grows with changes, not with files.

Whoever writes to a file opens and closes it, by its name or mapped: a change that is not told yet is an open file, and
those are waited for before the list is taken. Where the kernel cannot tell (too many folders to watch, too many
changes at once), that is said, and the folder has to be looked through.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import stat
import struct
import threading

from ansible.module_utils.zhenghe_tree import entries

_ATTRIB, _MODIFY, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x4, 0x2, 0x8, 0x40, 0x80, 0x100, 0x200
_UNMOUNT, _OVERFLOW, _IGNORED, _FOLDER = 0x2000, 0x4000, 0x8000, 0x40000000
_ONLY_FOLDERS, _NO_LINKS, _NO_UNLINKED = 0x01000000, 0x02000000, 0x04000000
_WATCHED = _ATTRIB | _MODIFY | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_HEAD = struct.Struct("iIII")


def changed_unseen(root: str, since: float) -> list[bytes]:
    """Return the files that were changed after a moment (seconds) and do not say so by their own time.

    Whoever gives a file another time than the kernel would hides its change from all who look at times and sizes.
    """
    # The clock of files goes some milliseconds behind.
    moment = int((since - 1) * 1e9)
    return [
        path
        for path, state in entries(root)
        if stat.S_ISREG(state.st_mode) and state.st_ctime_ns > moment and state.st_ctime_ns != state.st_mtime_ns
    ]


class Changes:
    """The changes of one folder from `start` on."""

    def __init__(self, root: str) -> None:
        self._root = os.fsencode(root)
        self._kernel = ctypes.CDLL(None, use_errno=True)
        self._folders: dict[int, bytes] = {}
        self._paths: set[bytes] = set()
        self._trees: set[bytes] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._descriptor = -1
        self.why_all = ""
        """Why the changes are not known; empty: they are."""

    def start(self) -> None:
        """Be told of every change from now on."""
        self._descriptor = self._kernel.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            self._give_up(os.strerror(ctypes.get_errno()))
            return
        threading.Thread(target=self._hear, daemon=True).start()
        self._watch(b".")
        for path, state in entries(os.fsdecode(self._root)):
            if stat.S_ISDIR(state.st_mode) and path != b".":
                self._watch(path)

    def paths(self) -> set[bytes]:
        """Return every path that changed, those that are gone included; a new folder with all that is in it."""
        self._drain()
        with self._lock:
            changed, trees = set(self._paths), set(self._trees)
        for tree in trees:
            changed.update(self._all_of(tree))
        return {self._there(path) for path in changed} - {b""}

    def stop(self) -> None:
        """Be told no more."""
        self._ended.set()
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _watch(self, path: bytes) -> None:
        if self.why_all:
            return
        full = self._root if path == b"." else os.path.join(self._root, path)
        mask = _WATCHED | _ONLY_FOLDERS | _NO_LINKS | _NO_UNLINKED
        with self._lock:
            number = self._kernel.inotify_add_watch(self._descriptor, full, mask)
            if number >= 0:
                self._folders[number] = path
                return
        wrong = ctypes.get_errno()
        # A folder that went away meanwhile is told of by the one around it.
        if wrong not in {2, 20}:
            self._give_up(f"{os.strerror(wrong)} after {len(self._folders)} folders")

    def _give_up(self, why: str) -> None:
        self.why_all = f"the kernel does not tell of changes: {why}"

    def _hear(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError, ValueError):
                select.select([self._descriptor], [], [], 0.2)
            self._drain()

    def _drain(self) -> None:
        with self._lock:
            while self._descriptor >= 0:
                try:
                    told = os.read(self._descriptor, 1 << 16)
                except BlockingIOError:
                    return
                self._note(told)

    def _note(self, told: bytes) -> None:
        at = 0
        while at < len(told):
            number, mask, _, length = _HEAD.unpack_from(told, at)
            name = told[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
            at += _HEAD.size + length
            if mask & (_OVERFLOW | _UNMOUNT):
                self._give_up("too many changes at once" if mask & _OVERFLOW else "a file system went away")
            folder = self._folders.get(number)
            if folder is None or mask & _IGNORED:
                continue
            path = os.path.normpath(os.path.join(folder, name)) if name else folder
            self._paths.add(path)
            if mask & _FOLDER and mask & (_CREATE | _MOVED_TO):
                self._trees.add(path)

    def _all_of(self, tree: bytes) -> list[bytes]:
        top = os.path.join(self._root, tree)
        try:
            if not stat.S_ISDIR(os.lstat(top).st_mode):
                return []
        except OSError:
            return []
        return [os.path.join(tree, path) for path, _ in entries(os.fsdecode(top)) if path != b"."]

    def _there(self, path: bytes) -> bytes:
        """Return the path, or the folder of it that is gone or has become something else."""
        whole = b""
        for part in path.split(b"/")[:-1]:
            whole = os.path.join(whole, part)
            try:
                if not stat.S_ISDIR(os.lstat(os.path.join(self._root, whole)).st_mode):
                    return whole
            except OSError:
                return whole
        return path
