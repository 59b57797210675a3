"""What runs on a host and who talks to it: looked at for some time, never changed.

Runs under Python 3.9 with the standard library alone and writes no file.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from pathlib import Path
from typing import Any

_OF_THE_SYSTEM = re.compile(
    r"^(chrony|console-getty|container-getty|cron|dbus|getty|irqbalance|nginx|nslcd|ntp|ntpsec|polkit|postgresql|"
    r"rsyslog|serial-getty|ssh|systemd-|unattended-upgrades|user-runtime-dir|user)(@[^.]*)?[\w-]*\.service$"
)
_SERVERS = re.compile(
    r"^(apache2|dm8|elasticsearch|iis|influxdb|java|kafka|mariadb-server|memcached|mongodb|mysql-server|nginx|"
    r"openjdk-\d+-j|oracle|php\d|postgresql-\d|rabbitmq|redis-server|tomcat\d|vsftpd|proftpd|samba)[\w.+-]*$"
)
_PSQL = (
    "runuser", "-u", "postgres", "--", "env", "-C", "/",
    "PGOPTIONS=-c default_transaction_read_only=on -c statement_timeout=20s", "psql", "-XAtq", "-d", "postgres",
)  # fmt: skip
_SIZES = "SELECT pg_database_size(oid) || ' ' || datname FROM pg_database WHERE NOT datistemplate"
_SSH = 22
_MOST = 300
_EVERY = 2.0
"""Seconds between two looks at connections."""


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Return what runs here, and the connections that were seen in so many seconds."""
    peers, looks = _watched(float(given["seconds"]))
    return {
        "facts": {
            "services": _services(),
            "listening": _listening(),
            "databases": _databases(),
            "sites": _sites(),
            "packages": _packages(),
            "peers": peers,
            "looks": looks,
        }
    }


def _services() -> list[dict[str, str]]:
    said = _said("systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend", "--no-pager")
    names = [line.split()[0] for line in said.splitlines() if line.split()]
    found = []
    for name in [each for each in names if not _OF_THE_SYSTEM.match(each)][:_MOST]:
        shown = _said("systemctl", "show", name, "--property", "User,WorkingDirectory")
        words = dict(line.partition("=")[::2] for line in shown.splitlines())
        user, folder = words.get("User") or "root", words.get("WorkingDirectory", "")
        found.append({"name": name[: -len(".service")], "user": user, "folder": folder})
    return found


def _listening() -> list[dict[str, Any]]:
    found = {}
    for line in _said("ss", "-Hltnp").splitlines():
        words = line.split()
        if len(words) > 3:
            address, _, port = words[3].rpartition(":")
            found[port] = {"port": int(port), "address": address.strip("[]"), "program": _program(line)}
    return [found[port] for port in sorted(found, key=int)][:_MOST]


def _program(line: str) -> str:
    match = re.search(r'users:\(\("([^"]*)"', line)
    return match[1] if match else ""


def _databases() -> list[dict[str, Any]]:
    """List the databases of all running clusters of PostgreSQL, asked as its own superuser in a read-only session."""
    found = []
    for line in _said("pg_lsclusters", "--no-header").splitlines():
        words = line.split()
        if len(words) > 3 and words[3].startswith("online"):
            for row in _said(*_PSQL, "-p", words[2], "-c", _SIZES).splitlines():
                size, _, name = row.partition(" ")
                if name != "postgres" and size.isdigit():
                    found.append({"engine": "postgresql", "port": int(words[2]), "name": name, "bytes": int(size)})
    return found[:_MOST]


def _sites() -> list[dict[str, str]]:
    found = []
    for file in sorted(Path("/etc/nginx/sites-enabled").glob("*")):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            roots = re.findall(r"^\s*root\s+([^;\s]+);", file.read_text(), re.MULTILINE)
            found += [{"site": file.name, "root": root} for root in roots if not _welcomes(root)]
    return found[:_MOST]


def _welcomes(root: str) -> bool:
    """Say whether a folder holds Debian's welcome page alone."""
    with contextlib.suppress(OSError):
        return [each.name for each in Path(root).iterdir()] == ["index.nginx-debian.html"]
    return False


def _packages() -> list[str]:
    said = _said("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\n")
    named = [line.split()[1:3] for line in said.splitlines() if line.startswith("ii")]
    return [" ".join(words) for words in named if _SERVERS.match(words[0])][:_MOST]


def _watched(seconds: float) -> tuple[list[dict[str, Any]], int]:
    """Look at established connections again and again; count for each pair of host and port in how many looks."""
    seen: dict[tuple[str, str, int, str], int] = {}
    end, looks = time.monotonic() + seconds, 0
    while True:
        served = {str(each["port"]) for each in _listening()}
        for key in set(_connections(served)):
            seen[key] = seen.get(key, 0) + 1
        looks += 1
        if time.monotonic() + _EVERY > end:
            break
        time.sleep(_EVERY)
    ordered = sorted(seen.items(), key=lambda item: -item[1])[: _MOST * 3]
    return [
        {"way": way, "address": address, "port": port, "program": program, "looks": count}
        for (way, address, port, program), count in ordered
    ], looks


def _connections(served: set[str]) -> list[tuple[str, str, int, str]]:
    found = []
    # Short connections are gone when somebody looks: the kernel keeps them for a minute after their end.
    for state in ("established", "time-wait"):
        for line in _said("ss", "-Htnp", "state", state).splitlines():
            words = line.split()
            if len(words) < 4:
                continue
            (_here, _, port), (address, _, peer_port) = words[2].rpartition(":"), words[3].rpartition(":")
            address = address.strip("[]").replace("::ffff:", "")
            way, number = ("in", int(port)) if port in served else ("out", int(peer_port))
            if number != _SSH and not address.startswith(("127.", "::1")):
                found.append((way, address, number, _program(line)))
    return found


def _said(*command: str) -> str:
    """Return what a command prints; nothing where it fails or is not there."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, errors="replace")
        return done.stdout if done.returncode == 0 else ""
    return ""
