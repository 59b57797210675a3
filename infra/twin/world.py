"""The world that a twin is: world.json, ssh_config and known_hosts, always whole and never stale."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.twin.paths import TwinPaths
from infra.worlds import CloudSettings, World, save_world

HOST_USER = "root"
DEVICE_USER = "netops"
SHELL_USER = "netadm"
EXCHANGE = "curve25519-sha256,curve25519-sha256@libssh.org"
"""By both its names. Over a socket of this machine nobody listens: the one that is safe from quantum computers costs
0.12 s a session."""


@dataclass(frozen=True)
class Access:
    """How one name is reached: through which socket, as whom, and which key has to answer there."""

    name: str
    user: str
    socket: Path
    key: str = ""
    """Type and key, as in known_hosts; empty where the cloud proves it later."""


class WorldFiles:
    """Keeps the files of a twin's world in step with what there is to reach."""

    def __init__(self, paths: TwinPaths, cloud: CloudSettings | None = None) -> None:
        """Tell of the twin's own small cloud where no other one is given."""
        self._paths = paths
        self._cloud = cloud or CloudSettings(backend="twin", endpoint=str(paths.control))
        self._lock = threading.Lock()
        self._accesses: dict[str, Access] = {}
        self._told = False

    def add(self, *accesses: Access) -> None:
        """Make names reachable."""
        with self._lock:
            self._accesses |= {access.name: access for access in accesses}
            self._write()

    def remove(self, name: str) -> None:
        """Forget a name."""
        with self._lock:
            if self._accesses.pop(name, None) is not None:
                self._write()

    def names(self) -> tuple[str, ...]:
        """Return the names that can be reached now."""
        with self._lock:
            return tuple(self._accesses)

    def _write(self) -> None:
        accesses = tuple(self._accesses[name] for name in sorted(self._accesses))
        # Keys first: a name that is in ssh_config must not be unknown in known_hosts.
        _replace(self._paths.known_hosts, "".join(f"{each.name} {each.key}\n" for each in accesses if each.key))
        _replace(self._paths.ssh_config, "".join(_blocks(self._paths, accesses)))
        if not self._told:
            # Once: by its time a run knows whether this is the twin that it was begun in.
            world = World(name=self._paths.name, kind="twin", ssh_config=self._paths.ssh_config, cloud=self._cloud)
            save_world(world, self._paths.world)
            self._told = True


def _blocks(paths: TwinPaths, accesses: tuple[Access, ...]) -> Iterator[str]:
    for access in accesses:
        yield (
            f"Host {access.name}\n"
            f"  HostName {access.name}\n"
            f"  User {access.user}\n"
            f"  ProxyCommand socat - UNIX-CONNECT:{access.socket}\n"
        )
    yield (
        "Host *\n"
        f"  IdentityFile {paths.operator_key}\n"
        "  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {paths.known_hosts}\n"
        "  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n"
        "  UpdateHostKeys no\n"
        f"  KexAlgorithms {EXCHANGE}\n"
        "  BatchMode yes\n"
        "  ConnectTimeout 10\n"
        "  ServerAliveInterval 10\n"
        "  LogLevel ERROR\n"
    )


def _replace(path: Path, text: str) -> None:
    scratch = path.with_name(f"{path.name}.new")
    scratch.write_text(text)
    scratch.replace(path)
