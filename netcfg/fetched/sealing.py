"""Full backups of devices' configurations, secrets included: files of the state folder that their owner alone reads.

They are not encrypted: the key would have to lie on the same machine. Nothing of them is ever put beside an inventory,
where git would take it; a folder inside a git work tree is refused.
"""

import hashlib
import os
from datetime import datetime
from pathlib import Path

from inventory.base import Model
from netcfg.errors import BackupRefused
from netcfg.fetched.fetching import Full


class Backup(Model):
    """One backup of one device."""

    device: str
    running: Path
    startup: Path
    digest: str
    """SHA-256 of both."""
    new: bool
    """The device has another configuration than at the last backup."""


def seal(folder: Path, full: Full, now: datetime) -> Backup:
    """Write a device's two configurations, unless the latest backup has the same; BackupRefused inside a git tree."""
    for above in (folder, *folder.parents):
        if (above / ".git").exists():
            raise BackupRefused(folder, above)
    place = folder / full.device
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.chmod(0o700)
    digest = hashlib.sha256(f"{full.running}\0{full.startup}".encode()).hexdigest()
    latest = max((path.name.removesuffix(".running.conf") for path in place.glob("*.running.conf")), default="")
    name = latest if latest.endswith(digest[:16]) else f"{now:%Y%m%dT%H%M%S}-{digest[:16]}"
    backup = Backup(
        device=full.device,
        running=place / f"{name}.running.conf",
        startup=place / f"{name}.startup.conf",
        digest=digest,
        new=name != latest,
    )
    # The running one last: by it a whole backup is known.
    for path, text in ((backup.startup, full.startup), (backup.running, full.running)):
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            _write(path, text)
    return backup


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.new")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.replace(path)
