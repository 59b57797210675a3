"""Where a twin keeps its files and its sockets."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

STATE = Path("/var/lib/zhenghe")
RUN = Path("/run/zhenghe")
# A socket's path holds at most 107 characters: the twin's name and a host's of 40 have to fit in it.
NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")


def state_root() -> Path:
    """Return the folder of all state: ZHENGHE_STATE, or /var/lib/zhenghe."""
    return Path(os.environ.get("ZHENGHE_STATE") or STATE).absolute()


@dataclass(frozen=True)
class TwinPaths:
    """All places of one twin."""

    state: Path
    run: Path

    @classmethod
    def of(cls, name: str) -> "TwinPaths":
        """Return the places of the twin with that name; ValueError where it is no name for a twin."""
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r}: a twin's name has at most 20 small letters, digits and hyphens")
        return cls(state=state_root() / "twins" / name, run=RUN / name)

    @property
    def name(self) -> str:
        """The twin's name."""
        return self.state.name

    @property
    def lock(self) -> Path:
        """Held while the twin is made or removed; outlives it."""
        return self.state.with_name(f".{self.name}.lock")

    @property
    def spec(self) -> Path:
        """What the supervisor is to build."""
        return self.state / "spec.json"

    @property
    def process(self) -> Path:
        """Which process holds the twin's namespaces."""
        return self.state / "process.json"

    @property
    def log(self) -> Path:
        """What the supervisor printed."""
        return self.state / "supervisor.log"

    @property
    def world(self) -> Path:
        """The world that this twin is."""
        return self.state / "world.json"

    @property
    def ssh_config(self) -> Path:
        """How hosts and devices are reached."""
        return self.state / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The keys of all hosts and devices."""
        return self.state / "known_hosts"

    @property
    def operator_key(self) -> Path:
        """The private key that opens every host and device of this twin and of no other."""
        return self.state / "keys" / "operator"

    @property
    def hosts(self) -> Path:
        """One folder for each host: its overlay."""
        return self.state / "hosts"

    @property
    def devices(self) -> Path:
        """One folder for each device."""
        return self.state / "devices"

    @property
    def cloud(self) -> Path:
        """The folder of its OpenStack, where it has one."""
        return self.state / "cloud"

    @property
    def egress(self) -> Path:
        """By this socket the APIs of its OpenStack are reached."""
        return self.run / "cloud.sock"

    @property
    def control(self) -> Path:
        """The supervisor's socket."""
        return self.run / "control.sock"

    def ssh(self, name: str) -> Path:
        """Return the socket of a host's or a device's SSH port."""
        return self.run / f"{name}.ssh"

    def host_key(self, name: str) -> Path:
        """Return the private host key of a host or a device."""
        return self.state / "keys" / f"host-{name}"
