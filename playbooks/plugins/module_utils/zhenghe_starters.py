"""What starts by itself on a host and has to do with an application: it would stay behind when that moves.

Whatever cron, at or systemd start is looked for: by what they say, and by the account as which they run.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
from pathlib import Path
from typing import Iterable, Iterator

from ansible.module_utils import zhenghe_cron
from ansible.module_utils.zhenghe_bounds import CRONTABS

from playbooks.agents.kit import run

CRON = Path("/etc/cron.d")
SCRIPTS = tuple(Path(f"/etc/cron.{often}") for often in ("hourly", "daily", "weekly", "monthly"))
SINGLE = tuple(map(Path, ("/etc/crontab", "/etc/anacrontab", "/etc/rc.local")))
AT = tuple(map(Path, ("/var/spool/cron/atjobs", "/var/spool/at")))
ROTATION = Path("/etc/logrotate.d")
_STARTING = "--type=timer,path,socket"
_SHOWN = "Id,Triggers,User,ExecStart,WorkingDirectory"


class Starters:
    """Who has to do with an application of this host: with its folder, its units, or its accounts."""

    def __init__(self, root: str, units: Iterable[str], users: Iterable[str]) -> None:
        self._units = frozenset(units)
        main = {unit.rpartition(".")[0] for unit in self._units}
        self._words = {root.rstrip("/"), *self._units, *main}
        self._users = frozenset(users) - {"", "root"}

    def files(self) -> list[str]:
        """Return the files of cron and at."""
        ordinary = [path for path in _files(CRON, Path(CRONTABS), *AT) if self._is_its_own(path)]
        scripts = [path for path in _files(*SCRIPTS) if self._mentioned(path) and not _of_a_package(path)]
        return [str(path) for path in (*ordinary, *scripts, *(one for one in SINGLE if self._mentioned(one)))]

    def rotations(self, folders: Iterable[str]) -> list[str]:
        """Return the files by which logs of the application are turned over."""
        return [str(path) for path in _files(ROTATION) if _says(_text(path), {*self._words, *folders})]

    def units(self) -> list[str]:
        """Return the timers, paths and sockets of systemd that start it, or what has to do with it."""
        starting = _show(_known_units())
        started = {one["Id"]: one for one in _show({word for each in starting for word in each["Triggers"].split()})}
        return sorted(
            one["Id"]
            for one in starting
            if any(self._of_its_own(started.get(word, {"Id": word})) for word in one["Triggers"].split())
        )

    def _of_its_own(self, unit: dict[str, str]) -> bool:
        text = f"{unit.get('ExecStart', '')} {unit.get('WorkingDirectory', '')}"
        return unit["Id"] in self._units or unit.get("User", "") in self._users or _says(text, self._words)

    def _is_its_own(self, path: Path) -> bool:
        if path.parent == Path(CRONTABS) and path.name in self._users:
            return True
        if path.parent in AT and _owner(path) in self._users:
            return True
        return self._mentioned(path) or bool(self._users & zhenghe_cron.accounts(_text(path)))

    def _mentioned(self, path: Path) -> bool:
        return _says(_text(path), self._words)


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        with contextlib.suppress(OSError):
            yield from (path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and path.is_file())


def _text(path: Path) -> str:
    """Return the beginning of a file without comments; nothing where it cannot be read."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        lines = file.read(1 << 20).decode(errors="replace").splitlines()
        return "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return ""


def _says(text: str, words: Iterable[str]) -> bool:
    return any(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text) for word in words)


def _owner(path: Path) -> str:
    with contextlib.suppress(OSError, KeyError):
        return pwd.getpwuid(os.lstat(path).st_uid).pw_name
    return ""


def _of_a_package(path: Path) -> bool:
    # The target has it by its packages.
    return bool(run("dpkg-query", "--search", str(path), good=(0, 1)).strip())


def _known_units() -> set[str]:
    """Return every timer, path and socket by name: those that are loaded, and those that have a file."""
    found = set()
    for words in (("list-units", "--all"), ("list-unit-files",)):
        said = run("systemctl", *words, _STARTING, "--no-legend", "--no-pager", "--plain", good=(0, 1))
        found |= {line.split()[0] for line in said.splitlines() if line.strip()}
    return {name for name in found if "@." not in name}


def _show(units: set[str]) -> list[dict[str, str]]:
    if not units:
        return []
    found = []
    for block in run("systemctl", "show", "--property", _SHOWN, "--", *sorted(units), good=(0, 1)).split("\n\n"):
        shown = dict.fromkeys(_SHOWN.split(","), "")
        for line in block.splitlines():
            name, _, value = line.partition("=")
            shown[name] = f"{shown.get(name, '')} {value}".strip()
        found.append(shown)
    return found
