"""Network namespaces under names, and sockets that are born inside them.

Python 3.11 has no setns, so the C library is called. A namespace belongs to a thread, so that each excursion into one
is the whole life of a thread.
"""

import ctypes
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

NAMES = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_MS_BIND = 4096
_libc = ctypes.CDLL(None, use_errno=True)
_Result = TypeVar("_Result")


def make_namespace(name: str, *, forwards: bool = False) -> Path:
    """Make an empty network namespace with its loopback ready to be raised; return its path."""
    path = NAMES / name
    path.touch(mode=0o444)

    def make() -> None:
        _check(_libc.unshare(_CLONE_NEWNET), "unshare")
        source = b"/proc/thread-self/ns/net"
        _check(_libc.mount(source, os.fsencode(path), b"none", _MS_BIND, None), f"mount {path}")
        # Loopback keeps IPv6: programs try ::1 first. Elsewhere it would only chatter.
        _set("ipv6/conf/default/disable_ipv6", 1)
        for scope in ("all", "default"):
            _set(f"ipv4/conf/{scope}/rp_filter", 0)
        if forwards:
            _set("ipv4/ip_forward", 1)

    _elsewhere(make)
    return path


def drop_namespace(name: str) -> None:
    """Forget the name of a namespace; it ends with its last process."""
    path = NAMES / name
    if path.exists():
        _check(_libc.umount2(os.fsencode(path), 2), f"umount {path}")
        path.unlink()


def inside(namespace: Path, act: Callable[[], _Result]) -> _Result:
    """Return what `act` returns in a thread that has entered the namespace."""

    def enter() -> _Result:
        descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(descriptor, _CLONE_NEWNET), f"setns {namespace}")
        finally:
            os.close(descriptor)
        return act()

    return _elsewhere(enter)


def stream_in(namespace: Path) -> socket.socket:
    """Return an unconnected TCP socket of the namespace; wherever it is used, it stays there."""
    return inside(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))


def _elsewhere(act: Callable[[], _Result]) -> _Result:
    results: list[_Result] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            results.append(act())
        except BaseException as error:  # noqa: BLE001 -- raised again below, in the thread that asked
            errors.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _set(sysctl: str, value: int) -> None:
    entry = Path("/proc/sys/net") / sysctl
    if entry.exists():
        entry.write_text(f"{value}\n")


def _check(code: int, what: str) -> None:
    if code != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
