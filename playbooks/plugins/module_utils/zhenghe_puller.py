"""The copy of a folder, pulled from another host pass by pass, and what others write into it meanwhile.

A copy is pulled into the raw view (`zhenghe_store`), and only while the folder is sealed: what clients write can never
be overwritten by a copy. What somebody writes into a copy all the same is kept in /var/lib/zhenghe/kept/NAME before a
pass removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import time
from typing import Any, Iterable, Sequence

from ansible.module_utils.zhenghe_readers import client, see_key
from ansible.module_utils.zhenghe_store import CONFIGURATION, PROGRAM, UNITS, VIEWS, Store
from ansible.module_utils.zhenghe_tree import remove

from playbooks.agents.kit import RUNNING, Refused, locked, run, serving, write

KEPT = VIEWS / "kept"
PASSED = VIEWS / "passed"
"""Files whose times say when the last pass of a copy ended."""
VANISHED = 24
"""rsync's status where files went away while it looked: normal for all passes but the last."""
POWERLESS = ("--no-devices", "--chmod=Fu-s", "--filter=-x security.*")
"""Nothing comes over that gives more rights than its owner has, whatever the other host has put there meanwhile."""
EVERY = 3.0
"""Seconds between two passes."""


class Puller:
    """The copy of a folder on this host, pulled from another one over SSH."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.key = CONFIGURATION / "keys" / store.name
        self.known_hosts = CONFIGURATION / "keys" / f"{store.name}.known"
        self.unit = f"zhenghe-pull-{store.name}.service"
        self.report = RUNNING / f"{store.name}.json"
        self._control = RUNNING / f"{store.name}.ssh"

    def public_key(self, *, make: bool) -> str:
        """Return the public key for this copy; made here, so that the private one never leaves the host."""
        if not self.key.exists():
            if not make:
                return ""
            self.key.parent.mkdir(parents=True, exist_ok=True)
            self.key.parent.chmod(0o700)
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"zhenghe:{self.store.name}", "-f", str(self.key))
        return " ".join(self.key.with_suffix(".pub").read_text().split()[:2])

    def knows(self, address: str, host_keys: Sequence[str]) -> None:
        """Note whom the copy comes from, and the keys by which that host is known."""
        for key in host_keys:
            see_key(key)
        write(self.known_hosts, "".join(f"{address} {key}\n" for key in host_keys), 0o600)
        self.store.pulls = {**self.store.pulls, "address": address}
        self.store.save()

    def once(self, limit: float, *, last: bool = False, path: str = "", into: str = "") -> float:
        """Make one pass and return its seconds; the last pass must find nothing changing under it."""
        began = time.monotonic()
        with self.alone(limit):
            if path:
                self._rsync(limit, path, into)
                return time.monotonic() - began
            self._only_into_a_copy()
            self.keep_what_others_wrote()
            self._pass_begins()
            # The folder has a name of its own here: rsync would take spaces and wildcards in a path for its own.
            self._rsync(limit, "root/", f"{self.store.raw}/", "--delete", good=(0,) if last else (0, VANISHED))
            self.note_pass()
        return time.monotonic() - began

    def these(self, paths: Iterable[bytes], gone: Iterable[bytes], limit: float) -> None:
        """Bring some paths of the folder to what they are at the source, and remove what is gone there."""
        with self.alone(limit):
            self._only_into_a_copy()
            self._pass_begins()
            # Not by rsync's --delete-missing-args: that of Debian 11 cannot read what it sends of a missing file.
            for path in sorted(gone):
                remove(str(self.store.raw), path)
            given = sorted(paths)
            if given:
                # Times and sizes do not say in what they differ; what is the same keeps its other names.
                options = (*self._only(given), "--force", "--checksum")
                self._rsync(limit, "root/", f"{self.store.raw}/", *options)
            self.note_pass()

    def _only(self, paths: Iterable[bytes]) -> tuple[str, ...]:
        """Return rsync's options for some paths alone."""
        # In a file: of a list that comes through a pipe in pieces, rsync 3.5.0 takes a name that is cut in two for one
        # that nobody asked for, and gives up.
        listed = RUNNING / f"{self.store.name}.paths"
        write(listed, b"\0".join(paths), 0o600)
        return "--from0", f"--files-from={listed}"

    def _only_into_a_copy(self) -> None:
        if not self.store.sealed():
            raise Refused(f"{self.store.root} is written here, so nothing is copied into it")

    def _rsync(self, limit: float, path: str, into: str, *options: str, good: Sequence[int] = (0,)) -> None:
        command = ["rsync", "-aHAXS", "--numeric-ids", "--timeout=60", *POWERLESS, "-e", shlex.join(self._ssh())]
        run(*command, *options, f"root@{self.store.pulls['address']}:{path}", into, limit=limit, good=good)

    def _pass_begins(self) -> None:
        # What a pass that is killed leaves behind must not be taken for somebody else's.
        (PASSED / self.store.name).unlink(missing_ok=True)

    def note_pass(self) -> None:
        """Note that all that is in the copy now came by us."""
        PASSED.mkdir(parents=True, exist_ok=True)
        (PASSED / self.store.name).touch()

    def keep_what_others_wrote(self) -> None:
        """Put aside what somebody wrote into the copy since the last pass, which the next one would remove."""
        try:
            ended = (PASSED / self.store.name).stat().st_mtime_ns
        except OSError:
            return
        found = _changed_since(os.fsencode(str(self.store.raw)), ended)
        if not found:
            return
        place = KEPT / self.store.name / time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        place.mkdir(parents=True, exist_ok=True)
        KEPT.chmod(0o700)
        command = ["rsync", "-aHAXS", "--numeric-ids", *self._only(found), f"{self.store.raw}/", f"{place}/"]
        run(*command, limit=600)

    def kept(self) -> dict[str, Any]:
        """Say where lies what others wrote into the copy, and name it; nothing: nobody did."""
        place = KEPT / self.store.name
        found = [path for path in place.rglob("*") if path.is_symlink() or not path.is_dir()]
        names = sorted(str(path.relative_to(place)).encode(errors="surrogateescape") for path in found)
        shown = [name.decode(errors="backslashreplace") for name in names[:20]]
        return {"where": str(place), "files": len(names), "names": shown} if names else {}

    def alone(self, limit: float) -> contextlib.AbstractContextManager[None]:
        """Hold the lock of this copy; Refused when another pass keeps it beyond the limit."""
        RUNNING.mkdir(exist_ok=True)
        lock = open(RUNNING / f"{self.store.name}.lock", "w")  # noqa: SIM115 - it is closed by what holds it
        return locked(lock, limit, "another pass of the copy takes too long")

    def connect(self) -> subprocess.Popen[bytes]:
        """Open the connection over which later passes go, so that they need not greet anew; end it by its process."""
        RUNNING.mkdir(exist_ok=True)
        self._control.unlink(missing_ok=True)
        master = subprocess.Popen(
            [*self._ssh(), "-o", "ControlMaster=yes", "-N", f"root@{self.store.pulls['address']}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        end = time.monotonic() + 10
        while not self._control.exists():
            if master.poll() is not None or time.monotonic() > end:
                master.kill()
                said = master.stderr.read().decode(errors="replace").strip() if master.stderr else ""
                raise Refused(f"no connection to {self.store.pulls['address']}: {said or 'no answer'}")
            time.sleep(0.01)
        return master

    def start(self) -> None:
        """Have passes made all the time, after a restart as well."""
        text = _UNIT_PULL.format(name=self.store.name, program=PROGRAM)
        if write(UNITS / self.unit, text):
            run("systemctl", "daemon-reload")
        self.report.unlink(missing_ok=True)
        run("systemctl", "enable", "--quiet", "--now", self.unit)

    def stop(self) -> None:
        """End the passes, for now."""
        if (UNITS / self.unit).exists():
            run("systemctl", "stop", self.unit)

    def disable(self) -> None:
        """Do not start the passes at boot; quick, so it may be done in a pause."""
        (UNITS / "multi-user.target.wants" / self.unit).unlink(missing_ok=True)

    def running(self) -> bool:
        """Say whether passes are made."""
        return serving(self.unit)

    def last(self) -> dict[str, Any]:
        """Return what the last pass of the service reported: when it ended, its seconds, its error."""
        try:
            report: dict[str, Any] = json.loads(self.report.read_text())
        except (OSError, ValueError):
            return {}
        return report

    def serve(self) -> None:
        """Make passes for ever and report on each."""
        while True:
            began = time.time()
            report: dict[str, Any] = {"error": ""}
            try:
                self.once(86400.0)
            except Refused as error:
                report["error"] = error.reason
            write(self.report, json.dumps({**report, "began": began, "ended": time.time()}))
            time.sleep(EVERY)

    def forget(self) -> None:
        """End the passes and throw the key away."""
        if (UNITS / self.unit).exists():
            run("systemctl", "disable", "--quiet", "--now", self.unit)
            (UNITS / self.unit).unlink()
        for file in (self.key, self.key.with_suffix(".pub"), self.known_hosts, PASSED / self.store.name):
            file.unlink(missing_ok=True)

    def _ssh(self) -> list[str]:
        return [*client(self.key, self.known_hosts), "-o", f"ControlPath={self._control}"]


def _changed_since(top: bytes, moment: int) -> list[bytes]:
    """Return the paths below a folder that were made or changed after a moment (nanoseconds), without folders."""
    found, pending = [], [b""]
    while pending:
        inside = pending.pop()
        with contextlib.suppress(FileNotFoundError), os.scandir(os.path.join(top, inside)) as entries:
            for entry in entries:
                path = os.path.join(inside, entry.name)
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(path)
                    elif entry.stat(follow_symlinks=False).st_ctime_ns > moment:
                        found.append(path)
    return found


_UNIT_PULL = """[Unit]
Description=Copy of {name}
After=network-online.target zhenghe-seal-{name}.service

[Service]
Nice=10
ExecStart=/usr/bin/python3 -I {program} pull {name}
Restart=always
RestartSec=3
# Some releases of rsync do not end when they are asked to; what a pass leaves behind is mended by the next one.
KillSignal=SIGKILL

[Install]
WantedBy=multi-user.target
"""
