"""Writing onto a host's disk from outside: a link on it leads where it leads the host, and never out of the disk."""

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from infra.twin.errors import CannotBuild
from inventory.words import _

MOST_LINKS = 40
"""As the kernel's own limit."""


def inside(root: Path, path: str) -> Path:
    """Return where a path of the host is, as the host itself would find it; CannotBuild where its links go round."""
    found, rest, links = root, list(reversed(PurePosixPath(path).parts)), 0
    while rest:
        part = rest.pop()
        if part == "/":
            found = root
        elif part == "..":
            found = found if found == root else found.parent
        elif (place := found / part).is_symlink():
            links += 1
            if links > MOST_LINKS:
                raise CannotBuild(path, _("its links lead round in a circle"), _("correct the links in the seed"))
            rest += reversed(place.readlink().parts)
        else:
            found = place
    return found


def write_file(root: Path, path: str, text: str, mode: int = 0o644) -> None:
    """Write one file of a host, whatever stood there; its folder is made where it is missing."""
    name = PurePosixPath(path)
    folder = inside(root, str(name.parent))
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name.name
    target.unlink(missing_ok=True)
    target.touch(mode=mode)
    target.write_text(text)


def copy_tree(source: Path, root: Path, to: str = "/") -> None:
    """Copy files, modes and links into a file system; all becomes root's, and folders that exist stay as they are."""
    for entry in _entries(source):
        path = str(PurePosixPath(to, entry.name))
        if entry.is_symlink() or entry.is_file():
            place = inside(root, to)
            place.mkdir(parents=True, exist_ok=True)
            (place / entry.name).unlink(missing_ok=True)
            shutil.copy(entry, place / entry.name, follow_symlinks=False)
        else:
            place = inside(root, path)
            if not place.is_dir():
                place.mkdir(parents=True)
                shutil.copymode(entry, place)
            copy_tree(entry, root, path)


def _entries(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(folder.iterdir())
