"""The process that has Ansible in memory, and its keepers: `python -m ...forkserver.server SOCKET FOLDER`.

The socket is an inherited one. Each message on it brings a listener, at which one shim will come; its end is the
server's end, for then nobody wants playbooks any more.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

from migrations.actuators.ansible.forkserver.shim import KEPT, ORPHANED, TIMED_OUT
from migrations.actuators.ansible.process_tree import clear

PATIENCE = 30.0
"""Seconds in which a shim comes once it was announced."""
NEEDED = (
    "ansible.cli.playbook", "ansible.executor.task_executor", "ansible.executor.process.worker",
    "ansible.plugins.strategy.linear", "ansible.plugins.connection.ssh", "ansible.plugins.connection.local",
    "ansible.plugins.shell.sh", "ansible.plugins.inventory.yaml", "ansible.plugins.lookup.file",
    "ansible.plugins.filter.core", "ansible.plugins.filter.mathstuff", "ansible.plugins.test.core",
    "ansible.plugins.cache.memory", "ansible.plugins.vars.host_group_vars", "infra.sudo", "infra.hearing", "infra.ssh",
)  # fmt: skip
"""What every playbook imports; what is not there any more in a newer Ansible is imported by the playbook itself."""
_SET_PDEATHSIG = 1
_SET_NAME = 15
_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def main(argv: list[str]) -> None:
    """Fork a keeper for each listener until nobody wants one any more."""
    with socket.socket(fileno=int(argv[0])) as owner:
        _preload()
        # Nobody waits for keepers: what came of their playbooks they tell those who asked.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            word, listeners, _flags, _address = socket.recv_fds(owner, 16, 1)
            if not word:
                break
            with socket.socket(fileno=listeners[0]) as listener:
                server = os.getpid()
                _forked(lambda: _keep(owner, listener, server))  # noqa: B023 - it is called at once
    shutil.rmtree(argv[1], ignore_errors=True)


def _preload() -> None:
    with warnings.catch_warnings():
        for name in NEEDED:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    with contextlib.suppress(ImportError, AttributeError):
        loading = importlib.import_module("ansible.plugins.loader")
        loading.init_plugin_loader()
        # Ansible's routing table, a long file of YAML, and the options of its plugins.
        importlib.import_module("ansible_collections.ansible.builtin")
        for plugins in (loading.become_loader, loading.connection_loader, loading.shell_loader):
            list(plugins.all(class_only=True))
    warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")
    # What is there now stays: looking through it for garbage would only copy its pages.
    gc.freeze()


def _forked(deed: Callable[[], int]) -> int:
    """Do something in a child that never comes back from it; return the child's id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        status = deed()
    except SystemExit as exc:
        status = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except BaseException:  # noqa: BLE001 - there is no one above who could be told
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _keep(owner: socket.socket, listener: socket.socket, server: int) -> int:
    """Run one playbook and tell its shim how it ended."""
    owner.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, _orphaned)
    # Descendants that lose their parent become the keeper's, so that daemons among them are found as well.
    _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _libc.prctl(_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != server:
        return ORPHANED
    listener.settimeout(PATIENCE)
    shim = listener.accept()[0]
    shim.settimeout(PATIENCE)
    said, streams, _flags, _address = socket.recv_fds(shim, 1 << 18, 3)
    if not said:
        return ORPHANED
    request = json.loads(said)
    listener.close()
    # By its folder everybody sees whose a process is: its command line is the server's.
    os.chdir(request["folder"])
    keeper = os.getpid()
    playbook = _forked(lambda: _play(request, streams, shim, keeper))
    for stream in streams:
        os.close(stream)
    status = _waited(playbook, shim, request["seconds"])
    clear()
    with contextlib.suppress(OSError):
        shim.send(str(status).encode())
    return 0


def _waited(playbook: int, shim: socket.socket, seconds: float) -> int:
    """Return a playbook's status; or why it is not waited for any longer: too late, or nobody wants it any more."""
    poll = select.poll()
    ended = os.pidfd_open(playbook)
    poll.register(ended, select.POLLIN)
    poll.register(shim, select.POLLIN)
    ready = {number for number, _event in poll.poll(seconds * 1000)}
    if not ready:
        return TIMED_OUT
    if ended not in ready:
        # Read, because what is left unread would take the answer with it.
        shim.recv(16)
        return ORPHANED
    code = os.waitstatus_to_exitcode(os.waitpid(playbook, 0)[1])
    return code if code >= 0 else 128 - code


def _orphaned(_number: int, _frame: FrameType | None) -> NoReturn:
    clear()
    os._exit(ORPHANED)


def _play(request: dict[str, Any], streams: list[int], shim: socket.socket, keeper: int) -> int:
    """Become the command: its streams, its environment, its name."""
    shim.close()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != keeper:
        return ORPHANED
    _libc.prctl(_SET_NAME, b"ansible-playbook", 0, 0, 0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    kept = {name: os.environ[name] for name in os.environ.get(KEPT, "").split() if name in os.environ}
    os.environ.clear()
    os.environ.update({**request["environment"], **kept})
    sys.argv = request["command"]
    importlib.import_module("ansible.cli.playbook").main()
    return 0


if __name__ == "__main__":
    main(sys.argv[1:])
