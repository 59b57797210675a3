"""What a copy of a folder would lose or change: looked for before anything is prepared, and named.

What is refused must be mended before the folder can move; what is reported moves, but not as it is, or not at all.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_flags as flags
from ansible.module_utils import zhenghe_mounts as mounting
from ansible.module_utils.zhenghe_holders import attached, exported
from ansible.module_utils.zhenghe_mounts import Mount
from ansible.module_utils.zhenghe_tree import entries

SHOWN = 20
"""So many names are told of each kind."""
MOST = 100
"""So many findings are told; thousands of mounts below one folder are one finding to people."""
_ONE_PLACE = "unmount that, or move the files there into the folder in the place of its mount"
_QUOTAS = ("quota", "usrquota", "grpquota", "prjquota", "uquota", "gquota", "pquota", "usrjquota", "grpjquota")
_SPECIAL = {stat.S_IFSOCK: "sockets", stat.S_IFIFO: "FIFOs", stat.S_IFCHR: "devices", stat.S_IFBLK: "devices"}


class Findings:
    """What was found in a folder on this host."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.refused: list[str] = []
        self.reported: list[str] = []
        self.users: set[int] = set()
        self.groups: set[int] = set()
        self.files = self.bytes = 0
        self.flags: dict[str, int] = {}
        self.outer: list[tuple[int, int]] = []
        """Files (device, inode) that have a name outside of the folder as well."""

    def told(self) -> dict[str, Any]:
        """Return what people and the other end have to know."""
        refused, reported = self.refused[:MOST], self.reported[:MOST]
        return {"files": self.files, "bytes": self.bytes, "refused": refused, "reported": reported}


def looked_over(root: str, views: tuple[str, ...] = ()) -> Findings:
    """Walk once through a folder and look at what is mounted around it; changes nothing."""
    found = Findings(root)
    own = mounting.mounts()
    _mounted_below(found, own)
    beside = mounting.elsewhere(root, own, views)
    if beside:
        found.refused.append(f"the folder can also be written at {', '.join(beside)}: {_ONE_PLACE}")
    reached = exported(root)
    if reached:
        found.refused.append(f"other hosts write into it by the NFS export {', '.join(reached)}: end that export first")
    found.refused += [f"no seal holds the kernel: {one}" for one in attached(root)]
    found.refused += by_links(root)
    _quotas(found, mounting.carrying(root, own))
    _walked(found)
    return found


def still_refused(root: str, views: tuple[str, ...], known: list[str]) -> list[str]:
    """Say what came about since the folder was prepared, without a walk; `known` is what was mounted below it then."""
    own = mounting.mounts()
    found = Findings(root)
    now = [one.point for one in mounting.below(root, own)]
    _mounted_below(found, own)
    changed = sorted(set(now) ^ {os.path.join(root, path) for path in known})
    said = list(found.refused)
    if changed:
        said.append(f"mounted or unmounted since it was prepared: {', '.join(changed)}: run the step prepare again")
    beside = mounting.elsewhere(root, own, views)
    said += [f"the folder can also be written at {point}: {_ONE_PLACE}" for point in beside]
    said += [f"other hosts write into it by the NFS export {path}: end that export" for path in exported(root)]
    said += [f"no seal holds the kernel: {one}" for one in attached(root)]
    return said + by_links(root)


def by_links(root: str) -> list[str]:
    """Say where a folder really lies to which a link leads: what is mounted over it would come to lie there."""
    really = os.path.realpath(root)
    said = (
        f"{root} is reached by a link and really lies at {really}, and a seal holds a path: write {really} into "
        "settings.root and have the image of the new host make the link, or put the folder in the link's place"
    )
    return [] if really == root else [said]


def _mounted_below(found: Findings, own: list[Mount]) -> None:
    for one in mounting.below(found.root, own):
        if one.kind in mounting.NETWORK or (one.kind.startswith("fuse.") and one.kind not in mounting.LOCAL_FUSE):
            found.refused.append(
                f"{one.point}: {one.kind} from {one.source}: other hosts may write there, and no seal holds them; "
                "unmount it before the move and mount it on the target afterwards"
            )
        elif one.kind in mounting.NO_FILES:
            found.refused.append(f"{one.point}: {one.kind} is mounted there, which is no folder of files: unmount it")
        else:
            found.reported.append(f"{one.point}: {_described(one)} is mounted there; its files move into the folder")


def _described(mount: Mount) -> str:
    if mount.source.startswith("/dev/loop"):
        image = Path("/sys/block") / Path(mount.source).name / "loop" / "backing_file"
        with contextlib.suppress(OSError):
            return f"the image {image.read_text().strip()} ({mount.kind})"
    if mount.kind == "tmpfs":
        return "a file system in memory"
    if mount.root != "/":
        return f"{mount.root} of another folder or file system ({mount.kind})"
    return f"the file system {mount.source} ({mount.kind})"


def _quotas(found: Findings, mount: Mount | None) -> None:
    if mount is None:
        return
    set_ = [word for word in (*mount.options, *mount.limits) if word.partition("=")[0] in _QUOTAS]
    if set_:
        found.reported.append(f"quotas on {mount.point} ({', '.join(set_)}) do not move: set them on the target")


def _walked(found: Findings) -> None:
    linked: dict[tuple[int, int], tuple[int, list[bytes]]] = {}
    special: dict[str, list[bytes]] = {}
    for path, state in entries(found.root):
        found.files += 1
        found.users.add(state.st_uid)
        found.groups.add(state.st_gid)
        kind = stat.S_IFMT(state.st_mode)
        if kind in _SPECIAL:
            special.setdefault(_SPECIAL[kind], []).append(path)
        if kind == stat.S_IFREG:
            if state.st_nlink > 1:
                linked.setdefault((state.st_dev, state.st_ino), (state.st_nlink, []))[1].append(path)
            found.bytes += state.st_blocks * 512
        if kind in (stat.S_IFREG, stat.S_IFDIR):
            _flags(found, path)
    _links(found, linked)
    for what, paths in special.items():
        found.reported.append(f"{len(paths)} {what} move as such, and nobody is behind them there: {_named(paths)}")
    if found.flags:
        named = [f"{path} ({flags.words(bits)})" for path, bits in sorted(found.flags.items())[:SHOWN]]
        found.reported.append(f"{len(found.flags)} flags of chattr are set again after the switch: {', '.join(named)}")


def _flags(found: Findings, path: bytes) -> None:
    bits = flags.flags_of(os.path.join(os.fsencode(found.root), path))
    if bits:
        found.flags[os.fsdecode(path)] = bits


def _links(found: Findings, linked: dict[tuple[int, int], tuple[int, list[bytes]]]) -> None:
    outer = {key: paths for key, (number, paths) in linked.items() if number > len(paths)}
    found.outer = sorted(outer)
    if outer:
        named = _named([path for paths in outer.values() for path in paths])
        found.reported.append(
            f"{len(outer)} files have another name outside of the folder, which does not move and stays another file: "
            f"{named}"
        )


def _named(paths: list[bytes]) -> str:
    shown = ", ".join(path.decode(errors="backslashreplace") for path in sorted(paths)[:SHOWN])
    return shown + (", …" if len(paths) > SHOWN else "")
