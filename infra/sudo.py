"""The one command line that runs with root's rights on hosts, whatever is done there: Python, told by its first line.

Who logs in as root runs it as it is; another account runs it by sudo, and needs no other right on the host.
"""

import shlex
from collections.abc import Sequence

BOOTSTRAP = (
    "import sys,json;h=json.loads(sys.stdin.buffer.readline());"
    "n={'__name__':'bootstrap'};exec(compile(h['bootstrap'],'bootstrap','exec'),n);n[h['how']](h)"
)
PYTHON = ("python3", "-BIuc", BOOTSTRAP)
"""Isolated: neither the folder nor the settings of whoever logs in have a part in it."""
SHELL = "import os\ndef shell(h):\n    os.execv('/bin/sh', ['sh', '-c', h['command']])\n"
"""What its first line may bring, to have a shell run a command."""
_SPECIAL = r",:=\[]*?!" + '"'


def as_root(words: Sequence[str] = PYTHON) -> str:
    """Return the line by which any login runs a command with root's rights; sudo says where it may not."""
    line = shlex.join(words)
    return f'if [ "$(id -u)" = 0 ]; then exec {line}; else exec sudo -n {line}; fi'


def as_root_if_allowed(words: Sequence[str] = PYTHON) -> str:
    """Return the line by which a login runs a command with root's rights, or with its own where it has no more."""
    line = shlex.join(words)
    return f'if [ "$(id -u)" != 0 ] && {may_sudo(words)}; then exec sudo -n {line}; else exec {line}; fi'


def may_sudo(words: Sequence[str] = PYTHON) -> str:
    """Return a command that ends with 0 where sudo would run another one without asking for a password."""
    return f"sudo -n -l {shlex.join(words)} >/dev/null 2>&1"


def sudoers(account: str) -> str:
    """Return the file for /etc/sudoers.d of every host, by which an account may do what a run asks for, and no more."""
    arguments = " ".join(_written(word) for word in PYTHON[1:])
    return _SUDOERS.format(account=account, command=f"/usr/bin/{PYTHON[0]} {arguments}")


def _written(word: str) -> str:
    """Return a word as sudoers(5) wants it: what means something to it, or is a pattern, has a backslash before it."""
    return "".join(f"\\{letter}" if letter in _SPECIAL + " " else letter for letter in word)


_SUDOERS = """\
# The account by which zhenghe moves systems from and to this host; put it into /etc/sudoers.d/zhenghe with mode 0440.
# The program that this line runs comes over the connection, so while it stands here the account is root's equal:
# take the file away when the systems have been committed. sudo logs each call.
Defaults!/usr/bin/python3 !requiretty, !use_pty
{account} ALL=(root) NOPASSWD: {command}
"""
