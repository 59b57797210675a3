"""The verbs by which a folder is copied from source to target, for every kind of component that is a folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any, Iterable

from ansible.module_utils import zhenghe_accounts, zhenghe_bounds, zhenghe_folder_command, zhenghe_readers
from ansible.module_utils.zhenghe_findings import by_links, looked_over, still_refused
from ansible.module_utils.zhenghe_holders import holders
from ansible.module_utils.zhenghe_puller import Puller
from ansible.module_utils.zhenghe_starters import Starters
from ansible.module_utils.zhenghe_store import Store

from playbooks.agents.kit import Refused, alone, answer, run, seconds, write

ARCHIVES = Path("/var/lib/zhenghe/archive")
FRESH = 20.0
"""Seconds that a copy may lie behind, beyond the time of two passes, and still be called close."""


class Copy:
    """One component's folder, seen from one host that takes part in a step."""

    def __init__(self, given: dict[str, Any], gives: Iterable[str] = ()) -> None:
        self.given = given
        self.component: dict[str, Any] = given["component"]
        self.name = f"{given['system']}-{self.component['name']}"
        self.side: str = given["side"]
        self.host: str = given["host"]
        self.mode: str = given["mode"]
        self.store = Store(self.name, self.component["settings"]["root"], tuple(gives))
        self.puller = Puller(self.store)

    def offer(self, users: Iterable[int] = ()) -> dict[str, Any]:
        """Tell the peers what they need to know: the key for the copy here, this host's keys, the owners of files."""
        changing = self.mode == "apply"
        if changing:
            zhenghe_folder_command.install()
        accounts: dict[str, Any] = {"users": [], "groups": []}
        found: dict[str, Any] = {"files": 0, "bytes": 0, "refused": [], "reported": []}
        if self.side == "source" and Path(self.store.root).is_dir():
            zhenghe_bounds.see_folder(self.store.root)
            look = looked_over(self.store.root, self._views())
            accounts = zhenghe_accounts.named(look.users | set(users), look.groups)
            found = look.told()
            found["reported"] += self.left_behind()
            if found["refused"] and changing and not self.store.sealed():
                raise Refused("; ".join(found["refused"]), "mend what is said of each; nothing has changed")
        elif self.side == "source":
            raise Refused(f"there is no folder {self.store.root}", "correct the component's settings.root")
        key = self.puller.public_key(make=changing)
        return {"offer": {"public_key": key, "host_keys": zhenghe_readers.host_keys(), "accounts": accounts,
                          "gives": self.store.gives, "found": found}}  # fmt: skip

    def left_behind(self) -> list[str]:
        """Say which jobs of this host have to do with the folder: only a service moves jobs, those that it declares."""
        settings = self.component["settings"]
        units = [f"{settings['service']}.service"] if settings.get("service") else []
        starters = Starters(self.store.root, units, ())
        return [
            f"the job {one} has to do with it and moves only with a component of kind service that declares it"
            for one in (*starters.files(), *starters.units())
        ]

    def _views(self) -> tuple[str, str]:
        return str(self.store.raw), str(self.store.ro)

    def found(self) -> dict[str, Any]:
        """Return what was found in the folder at the source, for the step's facts there."""
        return (self.given["peers"].get(self.host) or {}).get("found", {}) if self.side == "source" else {}

    def admit(self) -> bool:
        """Get to know the peers and let them in; says whether that is done (probe: whether it was)."""
        if self.mode == "undo":
            self._leave()
            return self._has_rights()
        done = self._admitted()
        if not done and self.mode == "apply":
            self._enter()
            done = self._admitted()
        return done

    def peers(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return name, address and offer of each host on the other side."""
        other = "target" if self.side == "source" else "source"
        pairs = zip(self.component[f"{other}s"], self.component[f"{other}_addresses"])
        return [(name, address, self.given["peers"].get(name) or {}) for name, address in pairs]

    def replicate(self) -> dict[str, Any]:
        """Start the copy and wait until it follows; or take it back."""
        if self.side != "target":
            return answer(self.mode != "undo")
        if self.mode == "undo":
            self._stop_copy()
        elif self.mode == "apply" and not self._follows():
            self._start_copy(seconds(self.given["limits"]["catch_up"]))
        return answer(self._follows(), changed=self.mode != "probe", last=self.puller.last())

    def lag(self) -> dict[str, Any]:
        """Say whether the copy is close: the newest pass found nothing wrong and is not long ago."""
        if self.side != "target":
            return self._may_be_sealed()
        last = self.puller.last()
        if not last or last["error"]:
            return answer(done=False, reason=last.get("error") or "no pass has ended yet")
        behind = time.time() - last["began"]
        return answer(behind < FRESH + 2 * (last["ended"] - last["began"]), lag_seconds=round(behind, 3))

    def _may_be_sealed(self) -> dict[str, Any]:
        against = still_refused(self.store.root, self._views(), self.store.nested)
        found = holders(self.store.root, services=self.given.get("services") or ())
        # A file that is open for writing is closed after a while; who stands in the folder stays.
        against += [str(one) for one in found if set(one.ways) - {"write"}]
        if against and self.mode == "apply" and not self.store.sealed():
            raise Refused(
                f"{self.store.root} cannot be sealed for everybody: {'; '.join(against)}",
                "stop them, or have them work elsewhere, then run the step again; nothing has changed for clients",
            )
        return answer(not against or self.store.sealed(), writers=[str(one) for one in found], against=against)

    def give_up_way_back(self) -> dict[str, Any]:
        """End the copy for good: keys and admissions go, the folder stays as it is, sealed at the source."""
        if self.mode == "undo":
            raise Refused("the way back was given up", "plan a move from the new host to the old one")
        if self.mode == "apply":
            self.puller.forget()
            zhenghe_readers.dismiss(self.name)
        return answer(not self._has_rights(), changed=self.mode == "apply")

    def _has_rights(self) -> bool:
        """Say whether one host still has rights on the other: no step is over, or undone, before they are gone."""
        return self.puller.key.exists() or zhenghe_readers.any_admitted(self.name)

    def archive(self) -> dict[str, Any]:
        """Keep the folder of a system that nobody uses as one file with its checksum, on the host itself."""
        file = ARCHIVES / f"{self.name}.tar.gz"
        noted = file.with_suffix(".sha256")
        if self.mode == "apply" and not noted.exists():
            ARCHIVES.mkdir(parents=True, exist_ok=True)
            ARCHIVES.chmod(0o700)
            scratch = file.with_suffix(".new")
            root = Path(self.store.root)
            run("tar", "--create", "--gzip", "--xattrs", "--acls", "--numeric-owner", "--sparse",
                "--file", str(scratch), "--directory", str(root.parent), "--", root.name, limit=3600)  # fmt: skip
            scratch.replace(file)
            write(noted, f"{_checksum(file)}  {file.name}\n")
        kept = noted.exists() and noted.read_text().split()[0] == _checksum(file)
        return {"kept": kept, "archive": str(file), "sha256": noted.read_text().split()[0] if kept else ""}

    def _admitted(self) -> bool:
        if not self.store.known or not self.puller.known_hosts.exists():
            return False
        if self.side == "source" and not self.store.sealed() and not self.store.is_as_prepared():
            return False
        for name, _, offer in self.peers():
            key = offer.get("public_key")
            if not key or not zhenghe_readers.admitted(self.name, name, key):
                return False
        return self.side == "source" or not zhenghe_accounts.missing(self.peers()[0][2]["accounts"])

    def _enter(self) -> None:
        peers = self.peers()
        if self.side == "target":
            if not self.store.known and Path(self.store.root).is_dir() and os.listdir(self.store.root):
                raise Refused(
                    f"{self.store.root} is not empty here",
                    "see whose it is; a copy would put the source's in its place",
                )
            linked = by_links(self.store.root)
            if linked:
                raise Refused(linked[0], "nothing has changed")
            zhenghe_bounds.see_offer(self.component, peers[0][2])
            self._see_there_is_room(peers[0][2].get("found") or {})
            made = set(zhenghe_accounts.make(peers[0][2]["accounts"]))
            for name in zhenghe_accounts.names(peers[0][2]["accounts"]):
                self.store.accounts[name] = name in made or self.store.accounts.get(name, False)
            self.store.gives = peers[0][2]["gives"]
            self.store.made = self.store.made or self._not_here_before()
        self.store.prepare()
        for name, address, offer in peers:
            zhenghe_readers.admit(self.name, name, address, offer["public_key"])
        self.puller.knows(peers[0][1], peers[0][2]["host_keys"])

    def _see_there_is_room(self, found: dict[str, Any]) -> None:
        place = Path(self.store.root)
        while not place.exists():
            place = place.parent
        disk = os.statvfs(str(place))
        for wanted, free, what in (
            (found.get("bytes", 0), disk.f_bavail * disk.f_frsize, "bytes"),
            (found.get("files", 0), disk.f_favail if disk.f_files else sys.maxsize, "files"),
        ):
            if wanted > free:
                raise Refused(f"{place} has room for {free} {what}; {wanted} are to come", "give it a larger disk")

    def _leave(self) -> None:
        if self.store.role == "live" and self.side == "target":
            raise Refused("clients use the folder here", "return the system first")
        self.puller.forget()
        zhenghe_readers.dismiss(self.name)
        self.store.unseal()
        self.store.forget()
        if self.side == "target":
            if self.store.made:
                self._take_copy_away()
            zhenghe_accounts.take_away([name for name, ours in self.store.accounts.items() if ours])

    def _not_here_before(self) -> str:
        """Return the uppermost folder that preparing makes; with a slash behind it, only what is in it will be ours."""
        made = Path(self.store.root)
        if self.store.known or made.exists():
            return "" if self.store.known else f"{made}/"
        while not made.parent.exists():
            made = made.parent
        return str(made)

    def _take_copy_away(self) -> None:
        """Remove the copy, which is ours alone: the folder was empty or not here before."""
        root, made = Path(self.store.root), self.store.made
        for entry in os.scandir(root) if root.is_dir() else ():
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        while str(root).startswith(made) and root.is_dir() and not os.path.ismount(root) and not os.listdir(root):
            root.rmdir()
            root = root.parent

    def _follows(self) -> bool:
        if self.store.role == "live":
            return True
        last = self.puller.last()
        return self.store.role == "copy" and self.puller.running() and bool(last) and not last["error"]

    def _start_copy(self, limit: float) -> None:
        self.store.role = "copy"
        self.store.seal(for_good=True)
        self.store.save()
        self.puller.start()
        end = time.monotonic() + limit
        while not self._follows():
            last = self.puller.last()
            if time.monotonic() > end:
                self.puller.stop()
                self.puller.disable()
                why = last.get("error") or "the first pass has not ended"
                raise Refused(
                    f"the copy does not follow after {limit:g} s: {why}",
                    "nothing has changed for clients; raise limits.catch_up or widen the line, then run it again",
                )
            time.sleep(0.1)

    def _stop_copy(self) -> None:
        if self.store.role == "live":
            raise Refused("clients use the folder here", "return the system first")
        self.puller.stop()
        self.puller.disable()
        self.store.role = ""
        self.store.unseal()
        self.store.save()


def dispatched(work: Any, verbs: Iterable[str], given: dict[str, Any]) -> dict[str, Any]:
    """Call the method that a task's verb names and return its result."""
    if given["verb"] not in verbs:
        raise Refused(f"no such verb: {given['verb']}")
    with alone(given):
        result: dict[str, Any] = getattr(work(given), given["verb"])()
    return result


def _checksum(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
