"""Finds the files of an inventory and gives every value in them a place: file, line, column and field."""

import gc
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from inventory.files.reading import LIMIT_BYTES, Mapping, Mark, Node, Scalar, Sequence, read, spot_of
from inventory.findings import Finding, Severity, Spot
from inventory.words import _, system_said

SUFFIXES = (".yaml", ".yml")
APART = "twin"
"""The folder, in an inventory's own, that holds what a twin puts on its hosts; it is no part of the inventory."""


class Cursor:
    """A value of the inventory with its place; the path of its field is put together when somebody asks for it."""

    __slots__ = ("file", "holder", "mark", "node", "step")

    def __init__(
        self, file: Path, node: Node, *, holder: "Cursor | None" = None, step: str | int = "", mark: Mark | None = None
    ) -> None:
        self.file = file
        self.node = node
        self.holder = holder
        self.step = step
        self.mark = mark if mark is not None else node.mark

    @property
    def field(self) -> str:
        """Return the path of the field inside its document, such as components[0].to.site."""
        if self.holder is None:
            return ""
        above = self.holder.field
        if isinstance(self.step, int):
            return f"{above}[{self.step}]"
        return f"{above}.{self.step}" if above else self.step

    @property
    def spot(self) -> Spot:
        """Return its line and column."""
        return spot_of(self.mark)

    def finding(self, reason: str, mend: str = "", severity: Severity = Severity.ERROR) -> Finding:
        """Return a finding about this value."""
        line, column = self.spot
        return Finding(
            file=self.file, line=line, column=column, field=self.field, reason=reason, mend=mend, severity=severity
        )

    def at(self, key: str | int) -> "Cursor | None":
        """Return the value under a key or at an index; None if absent."""
        node = self.node
        if isinstance(node, Mapping):
            child = node.items.get(key) if isinstance(key, str) else None
            return Cursor(self.file, child, holder=self, step=key) if child is not None else None
        if isinstance(node, Sequence) and isinstance(key, int) and key < len(node.items):
            return Cursor(self.file, node.items[key], holder=self, step=key)
        return None

    def key(self, key: str) -> "Cursor":
        """Return the place of a key itself, for a finding about the field; the whole value's without such a key."""
        keys = self.node.keys if isinstance(self.node, Mapping) else {}
        return Cursor(self.file, self.node, holder=self, step=key, mark=keys.get(key, self.mark))

    def each(self, *keys: str) -> Iterator["Cursor"]:
        """Yield the members of a list under a path of keys; of every list, where lists are met on the way."""
        if not keys:
            if isinstance(self.node, Sequence):
                for index, member in enumerate(self.node.items):
                    yield Cursor(self.file, member, holder=self, step=index)
            return
        for holder in self.each() if isinstance(self.node, Sequence) else (self,):
            if (child := holder.at(keys[0])) is not None:
                yield from child.each(*keys[1:])

    def below(self, keys: tuple[str, ...]) -> Node | None:
        """Return the bare value under a path of keys; None if absent."""
        node: Node | None = self.node
        for key in keys:
            node = node.items.get(key) if isinstance(node, Mapping) else None
        return node

    def text(self, *keys: str) -> str | None:
        """Return a word under a path of keys; None if absent or no word."""
        node = self.below(keys)
        return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None

    def down(self, *keys: str) -> "Cursor | None":
        """Return the value under a path of keys."""
        found: Cursor | None = self
        for key in keys:
            found = found.at(key) if found is not None else None
        return found

    def truth(self, *keys: str) -> bool:
        """Return whether the value under a path of keys is true."""
        node = self.below(keys)
        return isinstance(node, Scalar) and node.value is True

    def address(self, *keys: str) -> IPv4Address | None:
        """Return the address under a path of keys; None if absent or no address."""
        try:
            return IPv4Address(self.text(*keys) or "")
        except ValueError:
            return None

    def prefix(self, *keys: str) -> IPv4Network | None:
        """Return the prefix under a path of keys; None if absent or no prefix."""
        try:
            return IPv4Network(self.text(*keys) or "")
        except ValueError:
            return None


def _whole(file: Path, reason: str, mend: str) -> Finding:
    return Finding(file=file, line=0, column=0, field="", reason=reason, mend=mend, rule="file")


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        inside = [name for name in sorted(folders) if not name.startswith(".")]
        folders[:] = [name for name in inside if Path(place) != folder or name != APART]
        linked = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*linked, *sorted(files)):
            path = Path(place) / name
            if name in linked or (path.suffix in SUFFIXES and not name.startswith(".")):
                yield path


def _refusal(path: Path, folder: Path) -> Finding | None:
    """Say why a file must not be read; none where it may be."""
    if path.is_symlink() and (refusal := _refused_link(path, folder)) is not None:
        return refusal
    try:
        status = path.stat()
    except OSError as exc:
        return _whole(path, _("it cannot be read: {said}").format(said=system_said(exc)), _("restore or remove it"))
    if not stat.S_ISREG(status.st_mode):
        return _whole(path, _("this is no regular file"), _("remove it or name it otherwise"))
    if status.st_size > LIMIT_BYTES:
        reason = _("the file is larger than {limit} MiB").format(limit=LIMIT_BYTES // 1024 // 1024)
        return _whole(path, reason, _("split it: an inventory may have many files"))
    return None


def _refused_link(path: Path, folder: Path) -> Finding | None:
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return _whole(path, _("this link leads in a circle"), _("remove it"))
    if not inside:
        return _whole(path, _("this link leads out of the inventory's folder"), _("copy the file into the folder"))
    if path.is_dir():
        return _whole(path, _("this link to a folder is not followed"), _("remove it: the folder is read where it is"))
    return None


def _empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _is_profile(document: Cursor) -> bool:
    """Return whether a document is a plan's profile, which may lie beside the inventory and is no part of it."""
    keys = document.node.keys if isinstance(document.node, Mapping) else {}
    return "profile" in keys and "obligations" in keys and "programme" not in keys


def _documents(path: Path) -> tuple[list[Cursor], list[Finding]]:
    try:
        content = path.read_bytes()
    except OSError as exc:
        reason = _("it cannot be read: {said}").format(said=system_said(exc))
        return [], [_whole(path, reason, _("give yourself the right to read it"))]
    nodes, problems = read(content)
    cursors = [Cursor(path, node) for node in nodes if not _empty(node)]
    if not cursors and not problems:
        hollow = _whole(path, _("the file holds nothing"), _("write into it what it is for, or remove it"))
        return [], [hollow.model_copy(update={"severity": Severity.WARNING})]
    findings = [
        Finding(file=path, line=p.spot.line, column=p.spot.column, field="", reason=p.reason, mend=p.mend, rule="yaml")
        for p in problems
    ]
    return cursors, findings


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector of circles away while an inventory is read and looked at.

    What is read makes millions of objects without a circle among them: looking for circles would double the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def gather(folder: Path) -> tuple[tuple[Cursor, ...], tuple[Finding, ...]]:
    """Return the documents of all files of an inventory, and what is wrong with the files themselves."""
    if not folder.is_dir():
        reason = _("there is no such folder")
        return (), (_whole(folder, reason, _("name the folder that holds programme.yaml")),)
    documents: list[Cursor] = []
    findings: list[Finding] = []
    for path in _files(folder):
        if (refusal := _refusal(path, folder)) is not None:
            findings.append(refusal)
            continue
        cursors, problems = _documents(path)
        documents += [cursor for cursor in cursors if not _is_profile(cursor)]
        findings += problems
    if not documents and not any(finding.severity is Severity.ERROR for finding in findings):
        findings.append(
            _whole(folder, _("the folder holds no inventory"), _("an inventory is one or more .yaml files"))
        )
    return tuple(documents), tuple(findings)
