"""What a host is like, weeks before a move: looked at, never changed.

Runs under Python 3.9 with the standard library alone, writes no file and leaves no trace but a login.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_PSEUDO = {
    "autofs", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "fusectl", "hugetlbfs", "mqueue",
    "nsfs", "proc", "pstore", "ramfs", "securityfs", "sysfs", "tracefs",
}  # fmt: skip
_OF_THE_SYSTEM = re.compile(r"^(apt-daily|dpkg-db-backup|e2scrub|fstrim|logrotate|man-db|phpsession|systemd-|motd|ua-)")
_MOST = 200
"""Of each list so many are told; how many there are is told as well."""
_LONGEST = 10.0
"""Seconds after which a folder that is still being counted is given as at least so large."""


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of this host, and of the folders and programs that are asked about."""
    return {
        "facts": {
            "user": os.geteuid(),
            "python": ".".join(map(str, sys.version_info[:3])),
            "release": _release(),
            "cpus": os.cpu_count() or 0,
            "memory": _memory(),
            "clock": time.time(),
            "synchronised": _synchronised(),
            "mounts": _mounts(),
            "programs": {name: shutil.which(name) is not None for name in given["programs"]},
            "folders": {path: _folder(path) for path in given["folders"]},
            "timers": _timers(),
            "crontabs": _crontabs(),
            "firewall": _said("nft", "list", "ruleset").count("\n"),
            "root_login": _root_login(),
        }
    }


def _root_login() -> str:
    """Return what sshd says to root's logins; nothing where it does not say."""
    lines = (line.split() for line in _said("sshd", "-T").splitlines())
    return next((words[1] for words in lines if words[:1] == ["permitrootlogin"] and len(words) == 2), "")


def _release() -> str:
    words = {}
    with contextlib.suppress(OSError):
        for line in Path("/etc/os-release").read_text().splitlines():
            name, _, value = line.partition("=")
            words[name] = value.strip('"')
    return f"{words.get('ID', 'unknown')}-{words.get('VERSION_ID', '?')}"


def _memory() -> dict[str, int]:
    found = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("MemTotal", "MemAvailable"):
            found[name] = int(value.split()[0]) // 1024
    return {"total": found.get("MemTotal", 0), "available": found.get("MemAvailable", 0)}


def _synchronised() -> bool | None:
    said = _said("timedatectl", "show", "--property", "NTPSynchronized", "--value").strip()
    return {"yes": True, "no": False}.get(said)


def _mounts() -> list[dict[str, Any]]:
    found = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        where, kind, source = _unescaped(before.split()[4]), *after.split()[:2]
        if kind in _PSEUDO:
            continue
        with contextlib.suppress(OSError):
            sizes = os.statvfs(where)
            found[where] = {
                "where": where, "kind": kind, "source": source,
                "size": sizes.f_blocks * sizes.f_frsize, "free": sizes.f_bavail * sizes.f_frsize,
            }  # fmt: skip
    return list(found.values())[:_MOST]


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _folder(path: str) -> dict[str, Any]:
    """Count a folder without following links, for a bounded time."""
    if not os.path.isdir(path):
        return {"there": False, "files": 0, "bytes": 0, "whole": True, "below": []}
    files = size = 0
    end, whole, pending = time.monotonic() + _LONGEST, True, [path]
    while pending:
        if time.monotonic() > end:
            whole = False
            break
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                with contextlib.suppress(OSError):
                    files, size = files + 1, size + entry.stat(follow_symlinks=False).st_size
    below = [mount["where"] for mount in _mounts() if mount["where"].startswith(path.rstrip("/") + "/")]
    return {"there": True, "files": files, "bytes": size, "whole": whole, "below": below}


def _timers() -> list[str]:
    said = _said("systemctl", "list-timers", "--all", "--no-legend", "--plain", "--no-pager")
    names = {word for line in said.splitlines() for word in line.split() if word.endswith(".timer")}
    return sorted(name for name in names if not _OF_THE_SYSTEM.match(name))[:_MOST]


def _crontabs() -> list[str]:
    """Name the files with jobs that are no package's own, by asking who put them there."""
    found = [str(path) for path in Path("/var/spool/cron/crontabs").glob("*")]
    found += [str(path) for path in Path("/etc/cron.d").glob("[!.]*") if not _said("dpkg", "-S", str(path))]
    return sorted(found)[:_MOST]


def _said(*command: str) -> str:
    """Return what a command prints; nothing where it fails or is not there."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout if done.returncode == 0 else ""
    return ""
