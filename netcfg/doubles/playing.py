"""Plays a vendor's device on a router of this namespace: a double at the SSH port, FRRouting underneath.

    python -m netcfg.doubles.playing PLATFORM NAME FOLDER ADDRESS

FOLDER is the device's disk: `etc/PLATFORM.cfg` (the configuration to start with), `hostkey` and `operator.pub`; `up` is
there once FRRouting answers, and `ready` once the device does. It ends with the router that it plays on.
"""

import base64
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import paramiko

from netcfg.doubles.device import Double
from netcfg.doubles.forms import Lines, Refusal
from netcfg.doubles.forms import Path as Line
from netcfg.doubles.forwarding import between
from netcfg.doubles.playable import PLAYED
from netcfg.doubles.serving import Served

PORT = 22
_STEP_SECONDS = 0.02
_TICK_SECONDS = 0.25
_FRR_SECONDS = 25.0
_ANSWER_SECONDS = 20.0


class Router:
    """FRRouting in this namespace."""

    def __init__(self, scratch: Path) -> None:
        """Keep in a file what it is to be told."""
        self._scratch = scratch
        self._has: tuple[Line, ...] = ()
        self._wanted: tuple[Line, ...] = ()

    def become(self, paths: tuple[Line, ...], *, soon: bool = False) -> None:
        """Configure it; Refusal with its own words where it does not take a line. `soon`: before anybody looks."""
        self._wanted = paths
        if not soon:
            self.settle()

    def settle(self) -> None:
        """Have it configured as it was told; Refusal."""
        paths, commands = self._wanted, between(self._has, self._wanted)
        if commands:
            words = ("vtysh", *(part for line in ("configure terminal", *commands) for part in ("-c", line)))
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_ANSWER_SECONDS)
            if done.returncode != 0 or "% " in done.stdout:
                self._wanted = self._has
                self._return(paths)
                raise Refusal(f"Error: {(done.stdout + done.stderr).strip()}")
        self._has = paths

    def _return(self, paths: tuple[Line, ...]) -> None:
        """Take back what it took of a configuration, until it came to the line that it refused."""
        self._scratch.write_text("".join(f"{line}\n" for line in between(paths, self._has)))
        # A file is read to its end, whatever it has that was never there.
        self.shell(("vtysh", "-f", str(self._scratch)))

    def vtysh(self, command: str) -> str:
        """Return what it answers."""
        return self.shell(("vtysh", "-c", command))

    def shell(self, words: Sequence[str]) -> str:
        """Return what a command prints; it may fail."""
        self.settle()
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_ANSWER_SECONDS)
        return done.stdout


def played(platform: str, name: str, disk: Path, router: Router) -> Double:
    """Return a device that forwards, started from its disk; Refusal where it could not have that configuration."""
    kind, words = PLAYED[platform]
    start = disk / "etc" / f"{platform}.cfg"
    device = kind(name, start.read_text(encoding="utf-8"))

    def keep(lines: Lines) -> None:
        scratch = start.with_name(f"{start.name}.new")
        scratch.write_text(device.shown(lines), encoding="utf-8")
        scratch.replace(start)

    device.forwards = lambda lines: router.become(words.compiled(lines), soon=kind.piecemeal)
    device.keeps = keep
    device.answers = lambda line: words.answers(
        line, router.vtysh, lambda command: router.shell(command.split()), device.client
    )
    return device


def main(platform: str, name: str, folder: str, address: str) -> None:
    """Play a device until its router ends."""
    disk = Path(folder)
    router = Router(disk / "told")
    device = played(platform, name, disk, router)
    limit = time.monotonic() + _FRR_SECONDS
    while not (disk / "up").exists():
        if time.monotonic() > limit:
            raise TimeoutError("FRRouting did not start")
        time.sleep(_STEP_SECONDS)
    device.running = device.saved.copy()
    router.settle()
    host_key = paramiko.Ed25519Key.from_private_key_file(str(disk / "hostkey"))
    kind, key = (disk / "operator.pub").read_text().split()[:2]
    operator = paramiko.PKey.from_type_string(kind, base64.b64decode(key))
    Served(device, host_key, operator, at=(address, PORT))
    (disk / "ready").touch()
    before = time.monotonic()
    while True:
        time.sleep(_TICK_SECONDS)
        now = time.monotonic()
        with device.alone:
            device.elapse(now - before)
            # A router that does not take what the device said ends the device: nothing is forwarded that nobody said.
            router.settle()
        before = now


if __name__ == "__main__":
    main(*sys.argv[1:])
