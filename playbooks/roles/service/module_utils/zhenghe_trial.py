"""A test start of a service on its target before the switch: real units, real files, and nobody outside who hears it.

The units run in a network namespace of their own in which every address is this host, so that whatever they reach for
is seen and refused: the other side of each entry is closed. Names of entries and of old hosts are in a hosts file of
their own. The folders are seen through overlays: what is written there is thrown away. Nothing of it outlives a
restart, and the units end by themselves should we die.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

from ansible.module_utils.zhenghe_mounts import below, mounts
from ansible.module_utils.zhenghe_service import Service, listening, properties
from ansible.module_utils.zhenghe_shown import masked
from ansible.module_utils.zhenghe_store import VIEWS
from ansible.module_utils.zhenghe_substitution import Inside

from playbooks.agents.kit import RUNNING, Refused, run, wait

TRIALS = RUNNING / "trial"
DROP_INS = Path("/run/systemd/system")
LONGEST = 600
SETTLING = 2.0
"""Seconds after the start in which a service may reach for what it connects to."""
_ASK = (
    "import http.client,sys\n"
    "line=http.client.HTTPConnection('127.0.0.1',int(sys.argv[1]),timeout=10)\n"
    "line.request('GET',sys.argv[2],headers={'Host':sys.argv[3]} if sys.argv[3] else {})\n"
    "print(line.getresponse().status)\n"
)
_RULES = """table inet zhenghe {{
    set tried {{ type ipv4_addr . inet_service; flags dynamic; size 65535; }}
    set tried6 {{ type ipv6_addr . inet_service; flags dynamic; size 65535; }}
    chain out {{
        type filter hook output priority 0; policy accept;
        tcp flags & (syn|ack) == syn add @tried {{ ip daddr . tcp dport }}
        tcp flags & (syn|ack) == syn add @tried6 {{ ip6 daddr . tcp dport }}
    }}
}}
"""
_DROP_IN = """[Unit]
ConditionPathExists=

[Service]
NetworkNamespacePath={namespace}
{binds}
BindReadOnlyPaths={hosts}:/etc/hosts
PrivateTmp=yes
Restart=no
RuntimeMaxSec={longest}
"""


class Trial:
    """One test start of one component's service."""

    def __init__(self, service: Service, component: dict[str, Any], host_header: str) -> None:
        self.service = service
        self.settings: dict[str, Any] = component["settings"]
        self.rows: list[dict[str, Any]] = component.get("substitutions", [])
        self.folders: list[dict[str, str]] = [
            {"name": service.name, "root": self.settings["root"]}, *component.get("beside", [])
        ]  # fmt: skip
        self._host_header = host_header
        self.place = TRIALS / service.name
        self.network = f"zhenghe-{hashlib.sha256(service.name.encode()).hexdigest()[:8]}"
        self.namespace = Path("/run/netns") / self.network

    def carry_out(self, files: dict[str, bytes]) -> dict[str, Any]:
        """Start, ask, see what it reached for, end; Refused where it did not work or still reached for the old side."""
        self.clean_up()
        state_folders = self._state_folders()
        try:
            self._make_network()
            self._make_folders(files)
            self._write_drop_ins()
            found = self._started()
        finally:
            self.clean_up()
            for folder in state_folders:
                shutil.rmtree(folder, ignore_errors=True)
        return self._judged(found)

    def clean_up(self) -> None:
        """End what a test start left behind, whoever was killed in it."""
        drop_ins = [file for file in self._drop_ins() if file.exists()]
        if drop_ins:
            self.service.end_at_once()
            for file in drop_ins:
                file.unlink()
                with contextlib.suppress(OSError):
                    file.parent.rmdir()
            run("systemctl", "daemon-reload")
            for unit in self.service.units:
                run("systemctl", "reset-failed", unit, good=(0, 1, 5))
        if self.place.exists():
            for mount in reversed([one.point for one in below(str(self.place), mounts())]):
                run("umount", "--lazy", mount, good=(0, 1, 32))
            if os.path.ismount(str(self.place)):
                run("umount", "--lazy", str(self.place))
            shutil.rmtree(self.place, ignore_errors=True)
        if self.namespace.exists():
            run("ip", "netns", "delete", self.network)

    def _make_network(self) -> None:
        run("ip", "netns", "add", self.network)
        for words in (("link", "set", "lo", "up"), ("route", "add", "local", "0.0.0.0/0", "dev", "lo")):
            run("ip", "-n", self.network, *words)
        run("ip", "-n", self.network, "-6", "route", "add", "local", "::/0", "dev", "lo", good=(0, 1, 2))
        run(*self._inside(), "nft", "-f", "-", given=_RULES.format().encode())

    def _make_folders(self, files: dict[str, bytes]) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        self.place.parent.chmod(0o700)
        # In memory: an overlay cannot be written on every file system, and what is written is thrown away.
        run("mount", "-t", "tmpfs", "-o", "mode=0755,size=50%", "zhenghe-trial", str(self.place))
        for number, folder in enumerate(self.folders):
            self._overlay(number, folder)
        inside = Inside(str(self._merged(0)))
        for path, content in files.items():
            inside.write(path, content)
        (self.place / "hosts").write_text("".join(f"{line}\n" for line in self._hosts()))

    def _overlay(self, number: int, folder: dict[str, str]) -> None:
        view = VIEWS / "raw" / folder["name"]
        nested = [os.path.relpath(one.point, str(view)) for one in below(str(view), mounts())]
        for turn, inner in enumerate(["", *nested]):
            upper = self.place / f"{number}.{turn}"
            target = self._merged(number) / inner
            for one in (upper / "upper", upper / "work", *([] if inner else [target])):
                one.mkdir(parents=True)
            lower = view / inner
            state = lower.stat()
            os.chown(upper / "upper", state.st_uid, state.st_gid)
            (upper / "upper").chmod(state.st_mode & 0o7777)
            run("mount", "-t", "overlay", "zhenghe-trial", str(target), "-o",
                f"lowerdir={_escaped(lower)},upperdir={upper / 'upper'},workdir={upper / 'work'}")  # fmt: skip

    def _merged(self, number: int) -> Path:
        return self.place / f"{number}"

    def _hosts(self) -> Iterator[str]:
        with contextlib.suppress(OSError):
            yield from Path("/etc/hosts").read_text(errors="replace").splitlines()
        for row in self.rows:
            if row.get("address"):
                yield f"{row['address']} {row['becomes']}"
            if row["kind"] == "host" and row.get("before"):
                yield f"{row['before']} {row['found']}"

    def _write_drop_ins(self) -> None:
        binds = [f"BindPaths={self._merged(number)}:{folder['root']}:rbind"
                 for number, folder in enumerate(self.folders)]  # fmt: skip
        for folder in self.folders:
            Path(folder["root"]).mkdir(parents=True, exist_ok=True)
        text = _DROP_IN.format(
            namespace=self.namespace, binds="\n".join(binds), hosts=self.place / "hosts", longest=LONGEST
        )
        for file in self._drop_ins():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        run("systemctl", "daemon-reload")

    def _drop_ins(self) -> list[Path]:
        # The last of all by its name: it takes back the condition of the one that bars the unit.
        return [DROP_INS / f"{unit}.d" / "zz-zhenghe-trial.conf" for unit in self.service.units]

    def _started(self) -> dict[str, Any]:
        began, limit = time.time(), float(self.settings.get("start", 60))
        self.service.start()
        wait(lambda: self._listens() or self._ended(), limit, 0.1)
        took = round(time.time() - began, 1)
        found: dict[str, Any] = {"listens": self._listens(), "seconds": took, "ended": self._ended(), "status": 0}
        if found["listens"]:
            found["from_outside"] = self.service.port in self._ports(from_outside=True)
            found["status"] = self._asked()
            time.sleep(SETTLING)
        found["tried"] = self._tried()
        found["said"] = [] if found["listens"] else self._said(began)
        return found

    def _listens(self) -> bool:
        return self.service.port in self._ports()

    def _ports(self, *, from_outside: bool = False) -> set[int]:
        process = self.service.process()
        return listening(Path("/proc") / str(process) / "net", from_outside=from_outside) if process else set()

    def _ended(self) -> bool:
        states = [properties(unit, "ActiveState")["ActiveState"] for unit in self.service.units]
        return any(state in {"inactive", "failed"} for state in states)

    def _asked(self) -> int:
        words = [str(self.service.port), self.settings.get("path", "/"), self._host_header]
        done = subprocess.run([*self._inside(), sys.executable, "-I", "-c", _ASK, *words],
                              capture_output=True, timeout=30, check=False)  # fmt: skip
        said = done.stdout.strip()
        return int(said) if said.isdigit() else 0

    def _tried(self) -> list[tuple[str, int]]:
        """Return the addresses and ports that somebody in there reached for where nobody listens."""
        listed = json.loads(run(*self._inside(), "nft", "-j", "list", "ruleset"))
        own = {self.service.port, *self._ports()}
        found = set()
        for one in listed["nftables"]:
            for element in one.get("set", {}).get("elem", []):
                address, port = element.get("elem", {}).get("val", element)["concat"]
                if not (port in own and str(address).startswith(("127.", "::1"))):
                    found.add((str(address), int(port)))
        return sorted(found)

    def _said(self, began: float) -> list[str]:
        words = [word for unit in self.service.units for word in ("--unit", unit)]
        said = run("journalctl", "--quiet", "--output=cat", "--no-pager", "--lines=8", f"--since=@{int(began)}", *words,
                   good=(0, 1))  # fmt: skip
        return [masked(line) for line in said.splitlines()][-5:]

    def _judged(self, found: dict[str, Any]) -> dict[str, Any]:
        reached, old, others = self._sorted(found.pop("tried"))
        if not found.pop("from_outside", True) and self._host_header:
            raise Refused(
                f"in its test start {self.service.main} takes connections of its own host only, so no entry reaches it",
                "have it listen at 0.0.0.0, or name the web server before it as the service and this one as its helper",
            )
        facts = {**found, "reached_for": reached, "others": others}
        if old:
            raise Refused(
                f"in its test start {self.service.main} still reached for the old side: {', '.join(old)}",
                "find the file that says so (also inside of archives) and name it in settings.configuration",
            )
        if found["listens"] and (found["status"] < 500 or reached):
            return facts
        if not found["listens"] and reached and self.settings.get("alone") is False:
            return facts
        what = f"answers {found['status']}" if found["listens"] else f"does not listen at port {self.service.port}"
        said = f": {'; '.join(found['said'])}" if found["said"] else ""
        raise Refused(
            f"in its test start {self.service.main} {what} after {found['seconds']:g} s{said}",
            "see what it lacks on the target (packages, files, accounts); settings.alone: false where it needs what it "
            "connects to for its start",
        )

    def _sorted(self, tried: list[tuple[str, int]]) -> tuple[list[str], list[str], list[str]]:
        """Return what was tried as entries by name, the old side, and whatever else."""
        entries = {(row.get("address"), row.get("port")): row["becomes"] for row in self.rows if row.get("address")}
        old = {row["found"] for row in self.rows if row["kind"] == "address"}
        old |= {row["before"] for row in self.rows if row.get("before")}
        local = {int(row["found"].rpartition(":")[2]) for row in self.rows if row["kind"] == "local"}
        found: tuple[list[str], list[str], list[str]] = ([], [], [])
        for address, port in tried:
            loopback = address.startswith("127.") or address == "::1"
            if (address, port) in entries:
                found[0].append(f"{entries[address, port]}:{port}")
            elif address in old or (loopback and port in local):
                found[1].append(f"{address}:{port}")
            else:
                found[2].append(f"{address}:{port}")
        return found

    def _inside(self) -> list[str]:
        return ["nsenter", f"--net={self.namespace}"]

    def _state_folders(self) -> list[Path]:
        """Return the folders that systemd would make for the units and that are not here now."""
        roots = {"StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log"}
        found = []
        for unit in self.service.units:
            shown = properties(unit, *roots)
            found += [Path(roots[name]) / word for name in roots for word in shown[name].split()]
        return [folder for folder in found if not folder.exists()]


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
