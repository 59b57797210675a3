"""What is in a folder, exact enough to compare two hosts: names, kinds, rights, owners, times, content, links."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import stat
from typing import Any, Iterator

BUCKETS = 256


def entries(root: str) -> Iterator[tuple[bytes, os.stat_result]]:
    """Walk through a folder in the order of names, the folder itself first; what goes away meanwhile is left out."""
    top = os.fsencode(root)
    yield b".", os.lstat(top)
    pending = [b""]
    while pending:
        inside = pending.pop()
        with contextlib.suppress(FileNotFoundError), os.scandir(os.path.join(top, inside)) as found:
            for entry in sorted(found, key=lambda one: one.name):
                path = os.path.join(inside, entry.name)
                with contextlib.suppress(FileNotFoundError):
                    yield path, entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)


def described(root: str) -> dict[str, str]:
    """Map each path (as base64, for names that are no text) to a digest of all that is to be equal there."""
    top = os.fsencode(root)
    seen: dict[bytes, str] = {}
    links: dict[tuple[int, int], list[bytes]] = {}
    for path, state in entries(root):
        with contextlib.suppress(FileNotFoundError):
            seen[path] = _described(os.path.join(top, path), state)
            if stat.S_ISREG(state.st_mode) and state.st_nlink > 1:
                links.setdefault((state.st_dev, state.st_ino), []).append(path)
    for group in links.values():
        if len(group) < 2:
            # Its other names lie outside and do not move.
            continue
        names = hashlib.sha256(b"\0".join(sorted(group))).hexdigest()
        for path in group:
            seen[path] += f" {names}"
    return {
        coded(path): hashlib.sha256(text.encode()).hexdigest()[:32] for path, text in seen.items()
    }


def bucket(path: str) -> int:
    """Return the number of the bucket that a path belongs to."""
    return hashlib.sha256(path.encode()).digest()[0] % BUCKETS


def bucketed(descriptions: dict[str, str]) -> dict[str, str]:
    """Return one digest for each bucket that is not empty."""
    lines: dict[int, list[str]] = {}
    for path, description in descriptions.items():
        lines.setdefault(bucket(path), []).append(f"{path} {description}")
    return {
        str(number): hashlib.sha256("\n".join(sorted(some)).encode()).hexdigest()[:32] for number, some in lines.items()
    }


def coded(path: bytes) -> str:
    """Return a path as text that JSON takes, whatever is in it."""
    return base64.b64encode(path).decode()


def decoded(path: str) -> bytes:
    """Return a coded path as it is; ValueError where it leads out of its folder."""
    found = base64.b64decode(path)
    if found.startswith(b"/") or b".." in found.split(b"/"):
        raise ValueError(f"{readable(path)} does not lie in the folder")
    return found


def readable(path: str) -> str:
    """Return a described path for people."""
    return base64.b64decode(path).decode(errors="backslashreplace")


def remove(root: str, path: bytes) -> None:
    """Remove what is at a path of a folder, if anything is, following no link on the way; OSError where it cannot."""
    *way, name = path.split(b"/")
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for word in way:
            below = os.open(word, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        _remove(here, name)
    except (FileNotFoundError, NotADirectoryError):
        # Whatever it lay in is gone, or no folder any more.
        return
    finally:
        os.close(here)


def _remove(folder: int, name: bytes) -> None:
    state = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISDIR(state.st_mode):
        os.unlink(name, dir_fd=folder)
        return
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        for entry in os.listdir(inner):
            _remove(inner, os.fsencode(entry))
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=folder)


def _described(path: bytes, state: os.stat_result) -> str:
    mode = state.st_mode
    words: list[Any] = [stat.S_IFMT(mode), stat.S_IMODE(mode), state.st_uid, state.st_gid]
    if stat.S_ISLNK(mode):
        words.append(os.fsencode(os.readlink(path)).hex())
    else:
        words.append(_attributes(path))
    if stat.S_ISREG(mode):
        words += [state.st_size, state.st_mtime_ns, _content(path)]
    if stat.S_ISBLK(mode) or stat.S_ISCHR(mode):
        words.append(state.st_rdev)
    return " ".join(map(str, words))


def _attributes(path: bytes) -> str:
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        with contextlib.suppress(OSError):
            found[name] = os.getxattr(path, name, follow_symlinks=False).hex()
    return str(sorted(found.items())) if found else ""


def _content(path: bytes) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
