"""Files in folders that belong to another account: they are touched as that account, never as root.

Whoever owns a folder puts links into it at any moment. Root that writes there follows them, and what it hands over to
the owner afterwards may be /etc/shadow. As the owner it can only reach what the owner reaches without us.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from pathlib import Path
from typing import IO, Iterator

_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC


class Owned:
    """The files of one account, named by its login."""

    def __init__(self, login: str) -> None:
        self.login = login

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Be the account for a while, with none of root's rights: the kernel says no where it would say no to it."""
        person = pwd.getpwnam(self.login)
        if os.geteuid() == person.pw_uid:
            yield
            return
        groups, group, user = os.getgroups(), os.getegid(), os.geteuid()
        os.setgroups(os.getgrouplist(self.login, person.pw_gid))
        os.setegid(person.pw_gid)
        os.seteuid(person.pw_uid)
        try:
            yield
        finally:
            os.seteuid(user)
            os.setegid(group)
            os.setgroups(groups)

    def make_top(self, folder: Path, mode: int) -> None:
        """Make a folder of the account in a folder of root's; PermissionError where something else has its place."""
        folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=mode)
        person = pwd.getpwnam(self.login)
        found = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK)
        try:
            if os.fstat(found).st_uid not in (0, person.pw_uid):
                raise PermissionError(f"{folder} belongs neither to root nor to {self.login}")
            os.fchown(found, person.pw_uid, person.pw_gid)
        finally:
            os.close(found)

    def make_inside(self, folder: Path, mode: int) -> None:
        """Make a folder inside one of the account's."""
        with self.acting():
            folder.mkdir(mode=mode, exist_ok=True)

    def exists(self, path: Path) -> bool:
        """Say whether the account finds something there."""
        with self.acting():
            return path.exists()

    def read(self, path: Path) -> str:
        """Return a file's text; OSError where the account cannot read it."""
        with self.acting():
            return path.read_text(encoding="utf-8")

    def write(self, path: Path, text: str, mode: int = 0o600) -> bool:
        """Write a file of the account, whole or not at all; say whether it was not so before."""
        with self.acting():
            with contextlib.suppress(OSError, ValueError):
                if self.read(path) == text:
                    return False
            scratch = path.with_name(path.name + ".new")
            scratch.unlink(missing_ok=True)
            with open(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600), "w") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
            return True

    def rename(self, path: Path, new: Path) -> None:
        """Put a file in the place of another one."""
        with self.acting():
            path.replace(new)

    def mode(self, path: Path) -> int:
        """Return the rights of a file."""
        with self.acting():
            return path.lstat().st_mode & 0o777

    def remove(self, *paths: Path) -> None:
        """Remove files; those that are not there are none."""
        with self.acting():
            for path in paths:
                path.unlink(missing_ok=True)

    def find(self, folder: Path, pattern: str) -> list[Path]:
        """Return what matches a pattern in a folder, in order."""
        with self.acting():
            return sorted(folder.glob(pattern))

    def lock_file(self, path: Path) -> IO[str]:
        """Open a file to lock it."""
        with self.acting():
            return open(os.open(path, os.O_WRONLY | os.O_CREAT | _NO_LINK, 0o600), "w")
