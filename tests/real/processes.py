"""What runs below a process, and by which command; what all processes of this machine showed of themselves."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        # A thread may end while it is looked at.
        with suppress(OSError):
            found += [int(word) for word in (task / "children").read_text().split()]
    return found


def commanded(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def engines(commands: dict[int, bytes]) -> list[int]:
    return [pid for pid, words in commands.items() if words.split(b"\0")[0].endswith(b"/pulumi")]


def providers(commands: dict[int, bytes]) -> list[int]:
    """Which of them are plugins by which an engine reaches a cloud."""
    ours = (b"pulumi-resource-openstack", b"infra.provider")
    return [pid for pid, words in commands.items() if any(word.endswith(ours) for word in words.split(b"\0")[:4])]


def descendants(pid: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    left = children(pid)
    while left:
        one = left.pop()
        found[one] = commanded(one)
        left.extend(children(one))
    return found


LOOKS = 3
"""At a new process: one begins with the words of whoever started it."""


@contextmanager
def shown_by_all(*files: str) -> Iterator[set[bytes]]:
    """Collect, as long as the block lasts, words of command lines and environments of whatever runs on this machine.

    `files`: only words of these, such as `cmdline`, which every user may read.
    Only words of 16 bytes and more: a secret is no shorter. A process that ends within 50 ms may not be seen.
    """
    shown, over, looks = set[bytes](), threading.Event(), Counter[str]()

    def watch() -> None:
        while not over.wait(0.05):
            there = {entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()}
            for gone in looks.keys() - there:
                del looks[gone]
            for name in there:
                if looks[name] < LOOKS:
                    looks[name] += 1
                    shown.update(word for word in _shown(name, files or ("cmdline", "environ")) if len(word) >= 16)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield shown
    finally:
        over.set()
        watching.join()


def _shown(name: str, files: tuple[str, ...]) -> Iterator[bytes]:
    for file in files:
        try:
            yield from Path("/proc", name, file).read_bytes().split(b"\0")
        except OSError:
            # It has ended.
            return
