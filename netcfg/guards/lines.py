"""Configurations as lines with the sections they stand in, and what takes a change back; pure.

This module is also sent to devices, so it needs nothing but Python 3.9.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import NamedTuple

LinePath = tuple[str, ...]
"""A line with the sections that it stands in, the outermost first."""


class Deed(NamedTuple):
    """One command: it adds the line `path`, or takes it away."""

    path: LinePath
    command: str
    adds: bool


def paths(noise: str, text: str) -> tuple[LinePath, ...]:
    """Return every line of a configuration, sections included, without what the command line prints around it."""
    return tuple(dict.fromkeys(path for _, path in numbered(noise, text)))


def numbered(noise: str, text: str) -> Iterator[tuple[int, LinePath]]:
    """Yield the same lines with their numbers, counted from one, each time that they stand there."""
    ignored = re.compile(noise)
    open_sections: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if ignored.match(line):
            continue
        depth = len(line) - len(line.lstrip())
        while open_sections and open_sections[-1][0] >= depth:
            open_sections.pop()
        open_sections.append((depth, line.strip()))
        yield number, tuple(each for _, each in open_sections)


def normal(lines: Iterable[LinePath], ambient: str) -> set[LinePath]:
    """Return lines without differences of spacing, and without those that a device prints whatever is configured."""
    ignored = re.compile(ambient)
    return {tuple(" ".join(part.split()) for part in path) for path in lines if not ignored.match(path[-1])}


def inside(path: LinePath, section: LinePath) -> bool:
    """Say whether a line stands in a section."""
    return len(path) > len(section) and path[: len(section)] == section


def setting(settings: Sequence[Sequence[str]], path: LinePath) -> object:
    """Return what a line sets where a later line replaces an earlier one; otherwise the line itself."""
    for patterns in settings:
        if len(patterns) == len(path):
            found = [re.match(pattern, line) for pattern, line in zip(patterns, path)]  # noqa: B905
            if all(found):
                return (path[:-1], tuple(patterns), found[-1].groups() if found[-1] else ())
    return path


def typed(deeds: Iterable[Deed], leave: str, opens: str = "") -> tuple[str, ...]:
    """Return the lines to type for commands: sections are entered and left around them.

    `opens` is what a command that opens a section looks like, where the section is left by a word only.
    """
    return tuple(_typed(deeds, leave, opens))


def _typed(deeds: Iterable[Deed], leave: str, opens: str) -> Iterator[str]:
    here: LinePath = ()
    for deed in deeds:
        section = deed.path[:-1]
        shared = 0
        while shared < min(len(here), len(section)) and here[shared] == section[shared]:
            shared += 1
        yield from [leave] * (len(here) - shared)
        yield from section[shared:]
        yield deed.command
        if opens and deed.adds and re.match(opens, deed.command):
            yield leave
        here = section
    yield from [leave] * len(here)


class Ours(NamedTuple):
    """The difference that a change makes, with what takes it back; nothing else is ever taken back."""

    added: frozenset[LinePath]
    removed: frozenset[LinePath]
    back: tuple[Deed, ...]

    def wrong(self, running: Set[LinePath]) -> set[LinePath]:
        """Return our lines that do not stand as they did before the change."""
        return set(self.added & running) | set(self.removed - running)

    def others(self, before: Set[LinePath], running: Set[LinePath]) -> set[LinePath]:
        """Return the lines, other than ours, in which two configurations differ."""
        return set(before ^ running) - self.added - self.removed


def opposite(no: str, line: str) -> str:
    """Return the command that takes a line away; a line that says no is taken away by what it denies."""
    return line[len(no) :] if line.startswith(no) else no + line


def emptying(no: str, section: LinePath, running: Iterable[LinePath]) -> Iterator[Deed]:
    """Yield what takes a section's lines away one by one, the last first: not every section can go as a whole."""
    within = [path for path in running if inside(path, section)]
    leaves = (path for path in within if not any(inside(each, path) for each in within))
    yield from (Deed(path, opposite(no, path[-1]), adds=False) for path in sorted(leaves, reverse=True))


def way_back(
    ours: Ours,
    running: Set[LinePath],
    settings: Sequence[Sequence[str]],
    dependents: Sequence[tuple[str, Sequence[str]]] = (),
) -> tuple[Deed, ...]:
    """Return those commands of the way back that are still due, and that overwrite nothing of others.

    `dependents`: lines, and those without which they do not stand; where others have set such a one otherwise since,
    what hung on ours is not put onto theirs.
    """
    have = set(running)
    due: list[Deed] = []
    theirs: list[LinePath] = []
    for deed in ours.back:
        if deed.adds:
            rivals = _rivals(deed.path, have, settings)
            sections = {deed.path[:length] for length in range(1, len(deed.path))}
            if not rivals <= ours.added:
                theirs.append(deed.path)
            if deed.path in have or deed.path in theirs or not sections <= have | ours.removed:
                continue
            if _hangs(deed.path, theirs, dependents):
                continue
            have = (have - rivals) | {deed.path}
        else:
            beneath = {path for path in have if inside(path, deed.path)}
            if deed.path not in have or not beneath <= ours.added:
                continue
            have -= beneath | {deed.path}
        due.append(deed)
    return tuple(due)


def _hangs(
    path: LinePath, theirs: Sequence[LinePath], dependents: Sequence[tuple[str, Sequence[str]]]
) -> bool:
    """Say whether a line depends on one of some others, in its own section or an outer one."""
    for lines, bases in dependents:
        found = re.match(lines, path[-1])
        if found is not None:
            heads = tuple(f"{found.expand(base)} " for base in bases)
            return any(each[:-1] == path[: len(each) - 1] and each[-1].startswith(heads) for each in theirs)
    return False


def _rivals(path: LinePath, have: Set[LinePath], settings: Sequence[Sequence[str]]) -> set[LinePath]:
    wanted = setting(settings, path)
    if wanted == path:
        return set()
    return {each for each in have if each != path and len(each) == len(path) and setting(settings, each) == wanted}
