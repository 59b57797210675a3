"""Files of state are read only where they are files: whoever opens a pipe or a device in the place of one waits."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from inventory.words import _


class NotRegular(OSError):
    """Something else bears a file's name."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, _("it is no regular file"), str(path))


def opened(path: Path) -> BinaryIO:
    """Open a file to read its bytes; OSError, also where something else bears its name."""
    # Without waiting for anybody who might write into a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular(path)
    return os.fdopen(descriptor, "rb")


def content_of(path: Path) -> bytes:
    """Return a file's bytes; the errors of `opened`."""
    with opened(path) as file:
        return file.read()
