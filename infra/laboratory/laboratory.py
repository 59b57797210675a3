"""Starts and ends the laboratory: a process tree in namespaces of its own, which one kill of its init ends.

NotHere     this machine cannot have a laboratory; the message says why and how it could
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from infra.laboratory import parts
from infra.laboratory.furniture import USUAL, Furniture
from infra.parent_death import killed_with_parent
from infra.parts import cache
from infra.twin.cgroups import Groups
from inventory.errors import ZhengheError

MEMORY = 8 << 20
"""KiB that a machine must have; the laboratory takes up to six GiB of them."""
_SOURCE = Path(__file__).parents[2]
_READY, _FAILED = "ready", "failed: "
# Its own /run and /tmp, the cache and this source at their own paths; what the services write lies in the work folder.
_ENTER = """
set -e
mount -t tmpfs tmpfs "$WORK/layers"
mkdir -p "$WORK/layers/upper" "$WORK/layers/work"
mount -t overlay overlay -o "lowerdir=$IMAGE,upperdir=$WORK/layers/upper,workdir=$WORK/layers/work" "$WORK/root"
cd "$WORK/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
for hierarchy in /sys/fs/cgroup; do mount --rbind "$hierarchy" "sys/fs/cgroup"; done
mount --rbind /dev dev
for fresh in run tmp; do mount -t tmpfs tmpfs "$fresh"; done
mkdir -p run/netns "./$CACHE" "./$SOURCE" "./$WORK/files"
mount --bind "$CACHE" "./$CACHE"
mount --bind "$SOURCE" "./$SOURCE"
mount --bind "$WORK/files" "./$WORK/files"
printf '127.0.0.1 localhost\\n' > etc/hosts
echo localhost > etc/hostname
hostname localhost
exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "LAB_GROUP=$GROUP" \
    "PYTHONPATH=$SOURCE" /usr/bin/python3 -m infra.laboratory.inside.bring_up "$WORK/files" "$ENVIRONMENT" "$SERVERS"
"""


class NotHere(ZhengheError):
    """This machine cannot have a laboratory."""


class Laboratory:
    """One OpenStack; ends with the process that started it, or with `stop`."""

    def __init__(self, folder: Path, furniture: Furniture = USUAL, name: str = "") -> None:
        """Work in a folder of its own; the name is that of its control groups."""
        self._folder = folder
        self._furniture = furniture
        self._name = name or f"lab-{os.getpid()}"
        self._process: subprocess.Popen[str] | None = None

    @property
    def files(self) -> Path:
        """The folder of the services' files, with their logs."""
        return self._folder / "files"

    @property
    def clouds(self) -> Path:
        """The clouds.yaml of its operator (government) and of its administrator (admin)."""
        return self.files / "clouds.yaml"

    @property
    def namespace(self) -> Path:
        """The network namespace in which its services answer at the loopback."""
        return Path(f"/proc/{self._init()}/ns/net")

    def start(self, progress: Callable[[str], None]) -> None:
        """Start it and return when it may be used (about a minute); NotHere where it cannot be had."""
        able()
        try:
            variables = self._variables()
        except cache.SetupError as error:
            raise NotHere(f"a part of the laboratory cannot be had: {error}") from error
        self._process = subprocess.Popen(
            killed_with_parent([
                "unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc",
                "--propagation", "private", "--", "sh", "-c", _ENTER,
            ]),
            env={"PATH": os.environ.get("PATH", os.defpath), **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == _READY:
                return
            if line.startswith(_FAILED):
                self.stop()
                raise NotHere(f"the laboratory did not start: {line.removeprefix(_FAILED).strip()}")
            progress(line.rstrip())
        self.stop()
        raise NotHere(f"the laboratory ended while it started; its logs are in {self.files / 'log'}")

    def stop(self) -> None:
        """End all of it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
        groups = Groups(self._name)
        groups.kill()
        groups.remove()

    def signal(self, service: str, number: int) -> None:
        """Send a signal to a service, by the name of its log."""
        inner = (self.files / f"{service}.pid").read_text()
        with suppress(ProcessLookupError):
            os.kill(_outer(self._init(), inner), number)

    def await_service(self, service: str, seconds: float = 120) -> None:
        """Return once a service that was killed runs anew; TimeoutError."""
        before, until = "", time.monotonic() + seconds
        while time.monotonic() < until:
            inner = (self.files / f"{service}.pid").read_text()
            with suppress(ProcessLookupError):
                _outer(self._init(), inner)
                if before == inner:
                    return
            before = inner
            time.sleep(1)
        raise TimeoutError(service)

    def _init(self) -> int:
        assert self._process is not None
        return _child(self._process.pid)

    def _variables(self) -> dict[str, str]:
        for name in ("layers", "root", "files"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        servers = self._folder / "files" / "server-images"
        servers.mkdir(exist_ok=True)
        images = parts.servers()
        for name, release in self._furniture.images.items():
            (servers / name).symlink_to(images[release])
        (self._folder / "files" / "furniture.json").write_text(self._furniture.model_dump_json())
        Groups(self._name).make("servers")
        return {
            "WORK": str(self._folder), "IMAGE": str(parts.image()), "ENVIRONMENT": str(parts.environment()),
            "SERVERS": str(servers), "CACHE": str(cache.cache_root()), "SOURCE": str(_SOURCE),
            "GROUP": f"zhenghe-{self._name}",
        }  # fmt: skip


def able() -> None:
    """Raise NotHere where this machine cannot have a laboratory, with the reason."""
    found = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    have = int(found[1]) if found else 0
    if have < MEMORY:
        raise NotHere(f"the machine has {have >> 10} MiB of memory and a laboratory needs {MEMORY >> 10}")
    if os.geteuid() != 0:
        raise NotHere("a laboratory needs root: it makes namespaces and boots hosts")
    if shutil.which("unshare") is None:
        raise NotHere("the command unshare is not on this machine: apt-get install util-linux")


def _child(process: int) -> int:
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


def _outer(init: int, inner: str) -> int:
    """Return the number that a process of the laboratory has out here."""
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found = re.search(r"^NSpid:\s(.*)$", (one / "status").read_text(), re.MULTILINE)
            if found and found[1].split()[1:2] == [inner.strip()] and _within(init, int(one.name)):
                return int(one.name)
    raise ProcessLookupError(inner)


def _within(init: int, process: int) -> bool:
    ours, its = (Path(f"/proc/{each}/ns/pid").readlink() for each in (init, process))
    return ours == its
