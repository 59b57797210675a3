"""Full backups of devices' configurations, secrets included: sealed, and outside of git.

The key lies apart from the backups, so that a copy of these alone tells nothing. Nothing of them is ever put beside an
inventory; a folder inside a git work tree is refused all the same.
"""

from datetime import datetime
from pathlib import Path

from inventory.base import Model
from netcfg.errors import BackupRefused
from netcfg.fetched.fetching import Full
from netcfg.kept import KeptConfigurations


class Backup(Model):
    """One backup of one device."""

    device: str
    running: str
    """Its name among the backups; the configuration to start with has `startup` in place of `running`."""
    new: bool
    """The device has another configuration than at the last backup."""


class Backups:
    """The backups of the devices of one world."""

    def __init__(self, folder: Path, key: Path) -> None:
        """Take the folder of backups and the file of the key; BackupRefused inside a git work tree."""
        for above in (folder, *folder.parents):
            if (above / ".git").exists():
                raise BackupRefused(folder, above)
        self._kept = KeptConfigurations(folder, key)

    def seal(self, full: Full, now: datetime) -> Backup:
        """Keep a device's two configurations, unless the latest backup has the same."""
        latest = max((name for name in self.names() if name.startswith(f"{full.device}/")), default="")
        if latest and (self._kept.read(latest), self._kept.read(_startup(latest))) == (full.running, full.startup):
            return Backup(device=full.device, running=latest, new=False)
        name = f"{full.device}/{now:%Y%m%dT%H%M%S}.running.conf"
        # The running one last: by it a whole backup is known.
        self._kept.write(_startup(name), full.startup)
        self._kept.write(name, full.running)
        return Backup(device=full.device, running=name, new=True)

    def names(self) -> tuple[str, ...]:
        """Return the names of all backups of running configurations, by device and time."""
        return tuple(name for name in self._kept.names() if name.endswith(".running.conf"))

    def read(self, name: str) -> str | None:
        """Return a backup's text, with the secrets in it; None where there is none of the name."""
        return self._kept.read(name) if name in self._kept.names() else None


def _startup(name: str) -> str:
    return name.replace(".running.conf", ".startup.conf")
