"""A folder that moves from one host to another: its views on this host, and the seal where it must not be written.

Every host that takes part keeps /etc/zhenghe/NAME.json (`Store`). Three views of the folder exist there:

    ROOT                        what everybody sees
    /var/lib/zhenghe/raw/NAME   the folder itself, for the copy alone
    /var/lib/zhenghe/ro/NAME    the same, read-only

A sealed folder has the read-only view mounted over ROOT, so that not even root writes to it by mistake; mounting it is
one act and reaches services with mount namespaces of their own. All views hold what is mounted below the folder, too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any, Iterator, Sequence

from playbooks.agents.kit import Refused, run, write

CONFIGURATION = Path("/etc/zhenghe")
VIEWS = Path("/var/lib/zhenghe")
PROGRAM = Path("/usr/local/lib/zhenghe/folder.pyz")
"""What the host's own units and sshd run for a folder (`zhenghe_folder_command`)."""
UNITS = Path("/etc/systemd/system")


class Store:
    """One component's folder on this host."""

    def __init__(self, name: str, root: str = "", gives: Sequence[str] = ()) -> None:
        self.name = name
        self.file = CONFIGURATION / f"{name}.json"
        self.raw = VIEWS / "raw" / name
        self.ro = VIEWS / "ro" / name
        kept = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.known = bool(kept)
        # As the kernel writes it: mounts are found by their path.
        self.root = "/" + os.path.normpath(root).lstrip("/") if root else kept.get("root", "")
        self.gives: list[str] = list(gives) or kept.get("gives", [])
        self.sealed_for_good: bool = kept.get("sealed", False)
        self.pulls: dict[str, Any] = kept.get("pulls", {})
        self.nested: list[str] = kept.get("nested", [])
        """Paths of the folder at which another file system was mounted when it was prepared."""
        self.flags: dict[str, int] = kept.get("flags", {})
        """The flags of chattr that were taken off a copy here, by path."""
        self.made: str = kept.get("made", "")
        """The uppermost folder that we made for the copy; with a slash behind it, one that was here and empty."""
        self.accounts: dict[str, bool] = kept.get("accounts", {})
        """The accounts and groups that the files need, and of each whether we made it."""
        self.role: str = kept.get("role", "")
        """copy: it follows another host; live: clients use it; nothing: neither was decided here."""
        self.since: float = kept.get("since", 0.0)
        """When clients' writes here began to be what others copy: when it was prepared, or promoted."""
        self.promoted: bool = kept.get("promoted", False)
        """A move took the seal away here, and did not come to say that the other end is sealed."""

    def save(self) -> None:
        """Keep what must outlive a restart."""
        kept = {
            "root": self.root,
            "gives": self.gives,
            "sealed": self.sealed_for_good,
            "role": self.role,
            "since": self.since,
            "promoted": self.promoted,
            "pulls": self.pulls,
            "nested": self.nested,
            "flags": self.flags,
            "made": self.made,
            "accounts": self.accounts,
        }
        write(self.file, json.dumps(kept, indent=2) + "\n", 0o600)
        self.known = True

    def prepare(self) -> None:
        """Make the folder, its views and the unit that makes them at boot."""
        Path(self.root).mkdir(parents=True, exist_ok=True)
        self.since = self.since or time.time()
        if not self.sealed():
            self.nested = sorted(self._mounted_now())
        self.save()
        text = _UNIT_SEAL.format(
            name=self.name, root=_of_systemd(self.root), program=PROGRAM, after=" ".join(self._mount_units())
        )
        if write(UNITS / f"zhenghe-seal-{self.name}.service", text):
            run("systemctl", "daemon-reload")
        run("systemctl", "enable", "--quiet", f"zhenghe-seal-{self.name}.service")
        self.make_views()

    def _mount_units(self) -> list[str]:
        points = [os.path.join(self.root, path) for path in self.nested]
        return run("systemd-escape", "--path", "--suffix=mount", *points).split() if points else []

    def make_views(self) -> None:
        """Mount the raw and the read-only view where they are missing, or lack what was mounted below the folder."""
        for folder in (self.raw, self.ro):
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.parent.chmod(0o700)
            folder.mkdir(exist_ok=True)
        if not self.sealed():
            self._take_away_old_views()
        # Private: what is laid over the folder must not come to lie over its views as well.
        if not _mounts(str(self.raw)):
            if self.sealed():
                raise Refused(f"{self.root} is sealed and its views are gone", "restart the host: they come back")
            run("mount", "--rbind", "--make-rprivate", self.root, str(self.raw))
        if not _mounts(str(self.ro)):
            run("mount", "--rbind", "--make-rprivate", str(self.raw), str(self.ro))
        for point in (str(self.ro), *_below(str(self.ro))):
            if "ro" not in _mounts(point)[-1]:
                run("mount", "-o", "remount,bind,ro", point)

    def _take_away_old_views(self) -> None:
        wanted = self._mounted_now()
        for view in (str(self.ro), str(self.raw)):
            if _mounts(view) and {os.path.relpath(point, view) for point in _below(view)} != wanted:
                run("umount", "--lazy", view)

    def is_whole(self) -> bool:
        """Say whether the sealed folder shows all that was mounted below it when it was prepared."""
        return self._mounted_now() >= set(self.nested)

    def is_as_prepared(self) -> bool:
        """Say whether the same is mounted below the folder as when it was prepared."""
        return self._mounted_now() == set(self.nested)

    def _mounted_now(self) -> set[str]:
        return {os.path.relpath(point, self.root) for point in _below(self.root)}

    def sealed(self) -> bool:
        """Say whether the read-only view lies over the folder."""
        mounted = _mounts(self.root)
        return bool(mounted) and "ro" in mounted[-1]

    def seal(self, *, for_good: bool) -> None:
        """Lay the read-only view over the folder; for good: after a restart as well."""
        if for_good and not self.sealed_for_good:
            self.sealed_for_good = True
            self.save()
        if not self.sealed():
            self.make_views()
            run("mount", "--rbind", str(self.ro), self.root)

    def unseal(self) -> None:
        """Take the read-only view away."""
        while self.sealed():
            # Who stands in the view from before goes on in one that can be written.
            run("mount", "-o", "remount,bind,rw", self.root)
            for point in _below(self.root):
                with contextlib.suppress(Refused):
                    run("mount", "-o", "remount,bind,rw", point)
            run("umount", "--lazy", self.root)
            if "ro" not in _mounts(str(self.ro))[-1]:
                raise Refused(f"{self.ro} has become writable")
        if self.sealed_for_good:
            self.sealed_for_good = False
            self.save()

    def forget(self) -> None:
        """Remove what `prepare` made, but never the folder nor its seal's effect while it lasts."""
        with contextlib.suppress(Refused):
            run("systemctl", "disable", "--quiet", f"zhenghe-seal-{self.name}.service")
        (UNITS / f"zhenghe-seal-{self.name}.service").unlink(missing_ok=True)
        for folder in (self.ro, self.raw):
            if _mounts(str(folder)):
                run("umount", "--lazy", str(folder))
        self.file.unlink(missing_ok=True)


def _of_systemd(path: str) -> str:
    """Return a path as it stands in quotes in a unit."""
    return path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")


def _mounts(path: str) -> list[list[str]]:
    """Return the options of each mount on a path, the uppermost last."""
    found = []
    for point, options in _mounted():
        if point == path:
            found.append(options)
    return found


def _below(folder: str) -> list[str]:
    """Return the points below a folder at which something is mounted, outer ones first."""
    start = folder.rstrip("/") + "/"
    return sorted({point for point, _ in _mounted() if point.startswith(start)})


def _mounted() -> Iterator[tuple[str, list[str]]]:
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        words = line.split(" ")
        yield re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), words[4]), words[5].split(",")


_UNIT_SEAL = """[Unit]
Description=Seal of the folder {root}
DefaultDependencies=no
RequiresMountsFor="{root}" /var/lib/zhenghe
After={after}
Before=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/python3 -I {program} seal {name}

[Install]
WantedBy=local-fs.target
"""
