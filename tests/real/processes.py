"""What runs below a process, and by which command."""

from pathlib import Path


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


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
