"""A service of systemd on a host, with its helpers and jobs: found, held, started, and kept to one side of a move.

A unit that belongs to the move has a drop-in that lets it start only where /var/lib/zhenghe/here/NAME is: the host that
clients use. A job of cron that must not run is parked: renamed to `.zhenghe-NAME`, which cron passes over.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
from pathlib import Path
from typing import Any, Iterable

from ansible.module_utils import zhenghe_cron
from ansible.module_utils.zhenghe_bounds import CRONTABS
from ansible.module_utils.zhenghe_starters import CRON, Starters

from playbooks.agents.kit import Refused, run, wait, write

HERE = Path("/var/lib/zhenghe/here")
UNITS = Path("/etc/systemd/system")
STAMPS = Path("/var/lib/systemd/timers")
PARKED = ".zhenghe-"
_GATE = """# This unit runs on one side of its move only; Zhenghe takes this file away at the commit.
[Unit]
ConditionPathExists={here}
"""
_OF_PACKAGES = ("/lib/", "/usr/lib/", "/run/")
_GENERATED = "/run/systemd/generator"
_PLAIN = re.compile(r"/[\w./@-]+")
_LOOPBACK = re.compile("[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F")
"""127.0.0.0/8 and ::1 as the kernel writes them."""
_AT_REST = {"inactive", "failed"}


class Service:
    """The units and jobs of one component on this host."""

    def __init__(self, name: str, component: dict[str, Any]) -> None:
        settings = component["settings"]
        self.name = name
        self.root: str = settings["root"]
        self.main = f"{settings['service']}.service"
        self.units = [*(f"{one}.service" for one in settings.get("helpers", ())), self.main]
        """In the order in which they start."""
        self.timers = [f"{one}.timer" for one in settings.get("jobs", ())]
        self.works = [f"{one}.service" for one in settings.get("jobs", ())]
        self.cron = [CRON / one for one in settings.get("cron", ())]
        self.cron += [Path(CRONTABS) / one for one in settings.get("crontabs", ())]
        self.files: list[str] = list(settings.get("files", ()))
        self.stays = frozenset(settings.get("stays", ()))
        self.port = int(settings["port"])
        self.here = HERE / name

    def needs(self) -> list[str]:
        """Return the files outside of the folder that go along; Refused where one that is declared is not here."""
        found: list[str] = []
        for unit in (*self.units, *self.timers, *self.works):
            shown = properties(unit, "LoadState", "FragmentPath", "SourcePath", "DropInPaths")
            if shown["LoadState"] != "loaded":
                raise Refused(f"there is no unit {unit} here", "correct the component's settings")
            if shown["FragmentPath"].startswith(_GENERATED):
                raise Refused(
                    f"{unit} is made by systemd of {shown['SourcePath'] or 'a file of another kind'} and runs as root",
                    "give it a unit file of its own with User=, start it by that, and repeat",
                )
            words = [shown["FragmentPath"], *shown["DropInPaths"].split(), *_environment_files(unit)]
            found += [one for one in words if one and not one.startswith(_OF_PACKAGES) and not _is_gate(one)]
        found += [str(each) for each in self.cron] + self.files
        for path in found:
            there = Path(path).exists() or parked(Path(path)).exists()
            if not there or not _PLAIN.fullmatch(path):
                why = "has a name that cannot be copied safely" if there else "is not here"
                raise Refused(f"{path!r} {why}", "correct the component's settings")
        return list(dict.fromkeys(found))

    def from_packages(self) -> list[str]:
        """Return the units that are a package's own: the target has them by settings.packages."""
        every = ((unit, properties(unit, "FragmentPath")["FragmentPath"]) for unit in (*self.units, *self.works))
        return [unit for unit, path in every if path.startswith(_OF_PACKAGES)]

    def lacking(self) -> list[str]:
        """Return the units and timers that this host does not know."""
        every = (*self.units, *self.timers, *self.works)
        return [unit for unit in every if properties(unit, "LoadState")["LoadState"] != "loaded"]

    def process(self) -> int:
        """Return a process of the main unit, 0 where there is none: who forks may not say which one is the first."""
        shown = properties(self.main, "MainPID", "ControlGroup")
        if shown["MainPID"] not in {"", "0"}:
            return int(shown["MainPID"])
        with contextlib.suppress(OSError):
            inside = Path("/sys/fs/cgroup") / shown["ControlGroup"].lstrip("/") / "cgroup.procs"
            if shown["ControlGroup"]:
                return next((int(word) for word in inside.read_text().split()), 0)
        return 0

    def users(self) -> set[int]:
        """Return the numbers of the accounts as which units and jobs run; Refused where one is no account."""
        names = {properties(unit, "User")["User"] for unit in (*self.units, *self.works)}
        for path in self.cron:
            file = path if path.exists() else parked(path)
            if path.parent == CRON:
                with contextlib.suppress(OSError):
                    names |= zhenghe_cron.accounts(file.read_text(errors="replace"))
            else:
                names.add(path.name)
        return {_number(name) for name in names if name and name != "root"}

    def undeclared(self) -> list[str]:
        """Name the jobs of this host that have to do with the service and are not declared: they would stay behind."""
        starters = self._starters()
        found = [*starters.files(), *starters.units()]
        declared = {*map(str, self.cron), *self.timers, *self.stays}
        return sorted(one for one in found if one not in declared)

    def rotations(self, folders: Iterable[str]) -> list[str]:
        """Name the files by which this host turns its logs over, which stay behind."""
        return [one for one in self._starters().rotations(folders) if one not in self.stays]

    def _starters(self) -> Starters:
        users = {properties(unit, "User")["User"] for unit in self.units}
        return Starters(self.root, self.units, users)

    def active(self) -> bool:
        """Say whether all its units run."""
        return all(properties(unit, "ActiveState")["ActiveState"] == "active" for unit in self.units)

    def start(self) -> None:
        """Have the units started; does not wait for them."""
        for unit in self.units:
            run("systemctl", "reset-failed", unit, good=(0, 1, 5))
        run("systemctl", "start", "--no-block", *self.units)

    def stop(self, limit: float) -> None:
        """End the units and wait for that, the service before its helpers; Refused after a limit in seconds."""
        for unit in reversed(self.units):
            try:
                run("systemctl", "stop", unit, limit=limit)
            except Refused as error:
                mend = "raise limits.downtime, or end it first"
                raise Refused(f"{unit} does not end: {error.reason}", mend) from None

    def end_at_once(self) -> None:
        """Kill what runs: nobody was let in yet."""
        for unit in self.units:
            with contextlib.suppress(Refused):
                run("systemctl", "kill", "--signal=KILL", unit)
            run("systemctl", "stop", unit, good=(0, 5))

    def enable(self, *, on: bool) -> None:
        """Have the units start at boot, or not."""
        run("systemctl", "enable" if on else "disable", "--quiet", *self.units, good=(0, 1))

    def listens(self) -> bool:
        """Say whether somebody takes connections at its port on this host."""
        return self.port in listening(Path("/proc/net"))

    def gate(self) -> None:
        """Let the units start only where the service is to run."""
        HERE.mkdir(parents=True, exist_ok=True)
        changed = [write(file, _GATE.format(here=self.here)) for file in self._gates()]
        if any(changed):
            run("systemctl", "daemon-reload")

    def gated(self) -> bool:
        """Say whether the units start only where the service is to run."""
        return all(file.exists() for file in self._gates())

    def ungate(self) -> None:
        """Let the units start as they did before."""
        there = [file for file in self._gates() if file.exists()]
        for file in there:
            file.unlink()
            with contextlib.suppress(OSError):
                file.parent.rmdir()
        self.here.unlink(missing_ok=True)
        if there:
            run("systemctl", "daemon-reload")

    def be_here(self, *, here: bool) -> None:
        """Note that this host is the one that runs the service, or not; quick, so it may be done in a pause."""
        if here:
            HERE.mkdir(parents=True, exist_ok=True)
            self.here.touch()
        else:
            self.here.unlink(missing_ok=True)

    def jobs_on(self) -> None:
        """Have the jobs run by their times."""
        for path in self.cron:
            if parked(path).exists():
                parked(path).rename(path)
        if self.timers:
            run("systemctl", "enable", "--quiet", "--now", *self.timers, good=(0, 1))

    def jobs_off(self) -> None:
        """Have no job begin."""
        for path in self.cron:
            if path.exists():
                path.rename(parked(path))
        if self.timers:
            run("systemctl", "disable", "--quiet", "--now", *self.timers, good=(0, 1, 5))

    def jobs_at_rest(self, limit: float) -> None:
        """Wait until no job runs; Refused, with its name, where one still does after a limit in seconds."""
        at_work: list[str] = []

        def none() -> bool:
            at_work[:] = [one for one in self.works if properties(one, "ActiveState")["ActiveState"] not in _AT_REST]
            return not at_work

        if self.works and not wait(none, limit, 0.02):
            raise Refused(f"the job {', '.join(at_work)} is still at work", "move when it has ended")

    def jobs(self) -> dict[str, bool]:
        """Say of each job whether it is on here."""
        found = {str(path): path.exists() for path in self.cron}
        return {**found, **{one: properties(one, "ActiveState")["ActiveState"] == "active" for one in self.timers}}

    def stamps(self) -> dict[str, float]:
        """Return when each timer was last due: the other side must not do again what was done here."""
        found = {}
        for timer in self.timers:
            with contextlib.suppress(OSError):
                found[timer] = (STAMPS / f"stamp-{timer}").stat().st_mtime
        return found

    def set_stamps(self, stamps: dict[str, Any]) -> None:
        """Take over when each timer was last due."""
        for timer in self.timers:
            if isinstance(stamps.get(timer), (int, float)):
                STAMPS.mkdir(parents=True, exist_ok=True)
                file = STAMPS / f"stamp-{timer}"
                file.touch()
                os.utime(str(file), (float(stamps[timer]),) * 2)

    def _gates(self) -> list[Path]:
        return [UNITS / f"{unit}.d" / "zhenghe.conf" for unit in (*self.units, *self.works)]


def parked(path: Path) -> Path:
    """Return where a file of cron lies while its jobs must not run."""
    return path.with_name(f"{PARKED}{path.name}")


def properties(unit: str, *names: str) -> dict[str, str]:
    """Return properties of a unit as systemd knows them; an unknown unit has empty ones."""
    shown = dict.fromkeys(names, "")
    for line in run("systemctl", "show", unit, "--property", ",".join(names)).splitlines():
        name, equals, value = line.partition("=")
        if equals:
            shown[name] = f"{shown.get(name, '')} {value}".strip()
    return shown


def listening(folder: Path, *, from_outside: bool = False) -> set[int]:
    """Return the TCP ports on which somebody takes connections, by /proc/net or /proc/PID/net; also from elsewhere."""
    found = set()
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (folder / name).read_text().splitlines()[1:]:
                words = line.split()
                address, _, port = words[1].rpartition(":")
                if words[3] == "0A" and not (from_outside and _LOOPBACK.fullmatch(address)):
                    found.add(int(port, 16))
    return found


def _environment_files(unit: str) -> list[str]:
    shown = properties(unit, "EnvironmentFiles")["EnvironmentFiles"]
    return [word for word in shown.split() if word.startswith("/") and Path(word).exists()]


def _is_gate(path: str) -> bool:
    return path.startswith(str(UNITS)) and path.endswith(".d/zhenghe.conf")


def _number(name: str) -> int:
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise Refused(f"{name} runs something of the service and is no account here", "correct the unit") from None
