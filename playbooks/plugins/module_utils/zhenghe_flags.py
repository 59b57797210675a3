"""The flags that chattr sets: no copy carries them, and while they are set no copy can be made."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from typing import Iterable

GET, SET = 0x80086601, 0x40086602
NAMES = {0x8: "S", 0x10: "i", 0x20: "a", 0x40: "d", 0x80: "A", 0x10000: "D"}
"""Those that people set and that mean the same on every file system; others tell how it keeps a file."""
KNOWN = sum(NAMES)


def flags_of(path: bytes) -> int:
    """Return the flags of a file or folder; 0 where its file system has none."""
    with contextlib.suppress(OSError):
        return _all(path) & KNOWN
    return 0


def words(flags: int) -> str:
    """Return flags as chattr takes them."""
    return "+" + "".join(letter for bit, letter in sorted(NAMES.items()) if flags & bit)


def set_flags(root: str, wanted: dict[str, int]) -> list[str]:
    """Give paths of a folder their flags, contents before the folders around them; return those that refuse."""
    return _each(root, sorted(wanted, reverse=True), wanted)


def clear_flags(root: str, paths: Iterable[str]) -> list[str]:
    """Take the flags away, so that a copy can be made; return the paths that refuse."""
    return _each(root, sorted(paths), {})


def _each(root: str, paths: list[str], wanted: dict[str, int]) -> list[str]:
    left = []
    for path in paths:
        full = os.path.join(os.fsencode(root), os.fsencode(path))
        try:
            _set(full, wanted.get(path, 0))
        except FileNotFoundError:
            continue
        except OSError:
            left.append(path)
    return left


def _all(path: bytes) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return int(struct.unpack("=I", fcntl.ioctl(descriptor, GET, b"\0" * 8)[:4])[0])
    finally:
        os.close(descriptor)


def _set(path: bytes, flags: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        now = struct.unpack("=I", fcntl.ioctl(descriptor, GET, b"\0" * 8)[:4])[0]
        if now & KNOWN != flags:
            fcntl.ioctl(descriptor, SET, struct.pack("=II", now & ~KNOWN | flags, 0))
    finally:
        os.close(descriptor)
