"""Hosts of the twin: a Debian image under an overlay, booted by systemd-nspawn in a network namespace of its own."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from infra.twin.cgroups import Groups
from infra.twin.commands import run
from infra.twin.disks import copy_tree, inside, write_file
from infra.twin.errors import CannotBuild, SeedFailed
from infra.twin.namespaces import stream_in
from inventory.words import _

BOOT_SECONDS = 90.0
_SSHD = """\
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
PrintMotd no
PrintLastLog no
MaxSessions 50
MaxStartups 100
"""


SHARED = "shared"
"""The folder beside the hosts' seeds that all of them find under /root."""


@dataclass(frozen=True)
class HostSpec:
    """All that one host needs; its network namespace and addresses are there before it starts."""

    name: str
    image: Path
    folder: Path
    namespace: Path
    resolver: IPv4Address | None
    operator_key: str
    host_key: Path
    seed: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    """Further files of root, by their path on the host."""
    services: tuple[str, ...] = ()
    """Units that start with the host."""
    disk: int = 0
    """Bytes of a disk of its own, kept in memory, which can be filled; 0: what the machine has."""


def own_seed(spec: HostSpec, name: str) -> Path:
    """Return a part of a host's seed; CannotBuild where a link, of it or above it, leads out of the seeds."""
    assert spec.seed is not None
    file = spec.seed.parent / os.path.normpath(f"{spec.seed.name}/{name}")
    if spec.seed.parent.is_symlink() or not file.resolve().is_relative_to(spec.seed.parent.resolve()):
        what = _("seed of {host}").format(host=spec.name)
        why = _("{file} leads out of the inventory").format(file=file)
        raise CannotBuild(what, why, _("put the file itself there"))
    return file


class TwinHost:
    """One host, which may be started and stopped many times; its disk lasts until it is dropped."""

    def __init__(self, spec: HostSpec, groups: Groups) -> None:
        self.spec = spec
        self._groups = groups
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()

    @property
    def root(self) -> Path:
        """The host's file system, seen from outside."""
        return self.spec.folder / "root"

    @property
    def _ballast(self) -> Path:
        return self.spec.folder / "ballast"

    @property
    def _furnished(self) -> Path:
        return self.spec.folder / "furnished"

    @property
    def running(self) -> bool:
        """Whether the host's machine is there; it may still be booting."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Boot the host and return once it is up and sshd answers; CannotBuild with the end of its log otherwise."""
        with self._changing:
            if self.running:
                return
            if not self._furnished.exists():
                self._furnish()
            # An abstract name: it belongs to the twin's own network namespace and needs no removal.
            ready = f"zhenghe-boot-{self.spec.name}"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
                notices.bind(f"\0{ready}")
                self._process = self._launch(f"@{ready}")
                self._await_boot(notices)
            self._await_sshd()

    def stop(self) -> None:
        """Shut the host down in order; after ten seconds its power is cut."""
        with self._changing:
            if self._process is None or self._process.poll() is not None:
                return
            try:
                # systemd's signal for an orderly power off.
                os.kill(self.leader, signal.SIGRTMIN + 4)
                self._process.wait(timeout=10)
            except (LookupError, ProcessLookupError, subprocess.TimeoutExpired):
                pass
            self._cut_power()

    def kill(self) -> None:
        """Cut the host's power: every process of it ends at once."""
        with self._changing:
            self._cut_power()

    def silence(self) -> None:
        """Stop every process of the host where it is: its kernel answers on the wires, nothing else does."""
        self._groups.halt(self.spec.name)

    def wake(self) -> None:
        """Let the host's processes go on."""
        self._groups.resume(self.spec.name)

    def fill(self) -> None:
        """Leave no room on the host's own disk; CannotBuild where it has none of its own."""
        if not self.spec.disk:
            what, why = _("host {name}").format(name=self.spec.name), _("its disk is the machine's")
            raise CannotBuild(what, why, _("build the twin with a small disk for it"))
        with self._ballast.open("wb", buffering=0) as ballast, suppress(OSError):
            while ballast.write(bytes(1 << 20)):
                pass

    def empty(self) -> None:
        """Take away what filled the disk."""
        self._ballast.unlink(missing_ok=True)

    def drop(self) -> None:
        """End the host and forget its disk and its groups."""
        with self._changing:
            self._cut_power()
            for mounted in (self.root, self.spec.folder):
                if mounted.is_mount():
                    run(("umount", mounted))
            shutil.rmtree(self.spec.folder, ignore_errors=True)
            self._groups.remove(self.spec.name)

    @property
    def leader(self) -> int:
        """The process id of the host's init; LookupError while it has none."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        try:
            return int(children.read_text().split()[0])
        except (IndexError, FileNotFoundError):
            raise LookupError(f"host {self.spec.name} has no init") from None

    def seed(self) -> None:
        """Run the host's seed, if it has one, as root on the host; SeedFailed with its output where it fails."""
        if self.spec.seed is None or not (self.spec.seed / "seed.sh").exists():
            return
        enter = ("nsenter", f"--target={self.leader}", "--all", "env", "-i", "HOME=/root", "LANG=C.UTF-8")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        # The host removes it itself: what stands under its /root by now is its own affair.
        once = "cd /root && { test ! -e seed.sh || { ./seed.sh && rm -f seed.sh; }; }"
        command = (*enter, path, "sh", "-c", once)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode != 0:
            raise SeedFailed(self.spec.name, done.returncode, done.stdout)

    def _cut_power(self) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            # Ending the init ends the host; nspawn then tidies up, which killing nspawn itself would prevent.
            try:
                os.kill(self.leader, signal.SIGKILL)
                self._process.wait(timeout=10)
            except (LookupError, ProcessLookupError, subprocess.TimeoutExpired):
                self._process.kill()
        self._process.wait()

    def _furnish(self) -> None:
        spec = self.spec
        if spec.disk and not spec.folder.is_mount():
            spec.folder.mkdir(parents=True, exist_ok=True)
            run(("mount", "-t", "tmpfs", "-o", f"mode=700,size={spec.disk}", "tmpfs", spec.folder))
        for part in ("upper", "work"):
            (spec.folder / part).mkdir(parents=True, exist_ok=True)
        self.root.mkdir(exist_ok=True)
        if not self.root.is_mount():
            mount_overlay(spec.image, spec.folder, self.root)
        for path, text in self._files().items():
            write_file(self.root, path, text)
        inside(self.root, "/root/.ssh").mkdir(mode=0o700, exist_ok=True)
        write_file(self.root, "/root/.ssh/authorized_keys", spec.operator_key.strip() + "\n")
        write_file(self.root, "/etc/ssh/ssh_host_ed25519_key", spec.host_key.read_text(), 0o600)
        # As every Debian host has it: whoever tells others by which key to know this host reads it here.
        public = spec.host_key.with_name(f"{spec.host_key.name}.pub")
        write_file(self.root, "/etc/ssh/ssh_host_ed25519_key.pub", public.read_text())
        for unit in spec.services:
            link = inside(self.root, "/etc/systemd/system/multi-user.target.wants") / unit
            link.unlink(missing_ok=True)
            link.symlink_to(f"/lib/systemd/system/{unit}")
        if spec.seed is not None:
            copy_tree(own_seed(spec, "root"), self.root)
            copy_tree(own_seed(spec, f"../{SHARED}"), self.root, f"/root/{SHARED}")
            if (script := own_seed(spec, "seed.sh")).exists():
                write_file(self.root, "/root/seed.sh", script.read_text(), 0o700)
        self._furnished.touch()

    def _files(self) -> dict[str, str]:
        name = self.spec.name
        identity = hashlib.sha256(str(self.spec.folder).encode()).hexdigest()[:32]
        resolver = "" if self.spec.resolver is None else f"nameserver {self.spec.resolver}\noptions timeout:1\n"
        return {
            "/etc/hostname": f"{name}\n",
            "/etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost\n",
            "/etc/resolv.conf": resolver,
            "/etc/machine-id": f"{identity}\n",
            "/etc/ssh/sshd_config.d/twin.conf": _SSHD,
            **self.spec.files,
        }

    def _launch(self, ready: str) -> subprocess.Popen[bytes]:
        into_groups = "".join(f"echo $$ > {file}; " for file in self._groups.make(self.spec.name))
        nspawn = (
            "systemd-nspawn",
            "--quiet",
            f"--directory={self.root}",
            f"--machine={self.spec.name}",
            f"--network-namespace-path={self.spec.namespace}",
            # As on every host: root makes network namespaces of its own there.
            "--capability=CAP_NET_ADMIN",
            "--register=no",
            "--keep-unit",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            "--console=read-only",
            "--notify-ready=yes",
            "--boot",
        )
        environment = {"PATH": os.environ.get("PATH", os.defpath), "NOTIFY_SOCKET": ready, "LANG": "C.UTF-8"}
        with (self.spec.folder / "console.log").open("ab") as log:
            return subprocess.Popen(
                ("sh", "-c", f'{into_groups}exec "$@"', "sh", *nspawn),
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def _await_boot(self, notices: socket.socket) -> None:
        until = time.monotonic() + BOOT_SECONDS
        notices.settimeout(0.5)
        while time.monotonic() < until:
            if not self.running:
                raise self._failed(_("its machine ended while it booted"))
            try:
                if b"READY=1" in notices.recv(4096).split(b"\n"):
                    return
            except TimeoutError:
                continue
        raise self._failed(_("it did not boot within {limit:.0f} s").format(limit=BOOT_SECONDS))

    def _await_sshd(self) -> None:
        until = time.monotonic() + BOOT_SECONDS
        while self.running and time.monotonic() < until:
            if answers(self.spec.namespace, IPv4Address("127.0.0.1"), 22):
                return
            time.sleep(0.05)
        raise self._failed(_("its SSH server does not answer"))

    def _failed(self, why: str) -> CannotBuild:
        log = self.spec.folder / "console.log"
        what = _("host {name}").format(name=self.spec.name)
        return CannotBuild(what, why, _("its console printed {log}").format(log=log))


def answers(namespace: Path, address: IPv4Address, port: int, patience: float = 1.0) -> bool:
    """Say whether a server at an address speaks first, as SSH does, when it is called from a namespace."""
    with stream_in(namespace) as stream:
        stream.settimeout(patience)
        try:
            stream.connect((str(address), port))
            return bool(stream.recv(1))
        except OSError:
            return False


def mount_overlay(lower: Path, folder: Path, target: Path) -> None:
    """Mount `upper` of a folder over an image; nothing of it is synchronised to the disk, as nothing has to survive."""
    options = f"lowerdir={lower},upperdir={folder / 'upper'},workdir={folder / 'work'},volatile"
    run(("mount", "-t", "overlay", "overlay", "-o", options, target))
