"""Configurations as trees: what one becomes by a change, and which commands bring a device there.

Everything here is pure. Undo is the same function with `before` and `after` swapped. The law: a device with the running
configuration that takes the commands of `commands_between(platform, running, intended)` has the intended one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from hier_config import HConfig, WorkflowRemediation
from hier_config.children import HConfigChildren
from hier_config.models import IdempotentCommandsRule, MatchRule, OrderingRule
from hier_config.platforms.driver_base import HConfigDriverBase, HConfigDriverRules

from netcfg.intent import Policy
from netcfg.platforms import Difference, Platform

LinePath = tuple[str, ...]
"""A line with the sections that it stands in, the outermost first."""


def paths(platform: Platform, text: str) -> tuple[LinePath, ...]:
    """Return every line of a configuration, sections included, without what the command line prints around it."""
    noise = re.compile(platform.noise)
    found: dict[LinePath, None] = {}
    open_sections: list[tuple[int, str]] = []
    for line in text.splitlines():
        if noise.match(line):
            continue
        depth = len(line) - len(line.lstrip())
        while open_sections and open_sections[-1][0] >= depth:
            open_sections.pop()
        open_sections.append((depth, line.strip()))
        found.setdefault(tuple(each for _, each in open_sections))
    return tuple(found)


def written(lines: Sequence[LinePath]) -> str:
    """Return paths as configuration text, one space of indentation for each section."""
    return "".join(f"{' ' * (len(path) - 1)}{path[-1]}\n" for path in _grouped(lines))


def intended(
    platform: Platform, running: str, before: Sequence[str], after: Sequence[str], policies: Sequence[Policy] = ()
) -> str:
    """Return what a running configuration becomes when the blocks of `before` give way to those of `after`."""
    state = _replace(platform, paths(platform, running), before, after)
    for policy in policies:
        marked = any(re.search(policy.marker, path[-1]) for path in state)
        gone, come = (policy.absent, policy.present) if marked else (policy.present, policy.absent)
        state = _replace(platform, state, (gone,), (come,))
    return written(_standing(platform, state))


def taken(platform: Platform, saved: str, before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return as blocks what a change took from a saved configuration, with every line that fell with another one.

    Who puts these back has what was there, and not what a template has.
    """
    left = set(paths(platform, intended(platform, saved, before, after)))
    gone = tuple(path for path in paths(platform, saved) if path not in left)
    return (written(gone),) if gone else ()


def same(platform: Platform, one: str, other: str) -> bool:
    """Say whether two configurations have the same lines in the same sections, in whatever order."""
    return set(paths(platform, one)) == set(paths(platform, other))


def commands_between(platform: Platform, running: str, wanted: str) -> tuple[str, ...]:
    """Return the commands, typed in configuration mode, that turn one configuration into the other."""
    driver = _driver(platform.difference.model_dump_json())
    now, then = paths(platform, running), paths(platform, wanted)
    remedy = WorkflowRemediation(_tree(driver, now), _tree(driver, then)).remediation_config
    return tuple(_typed(platform, remedy.children, (), set(now) - set(then)))


def _replace(
    platform: Platform, state: Sequence[LinePath], gone: Sequence[str], come: Sequence[str]
) -> tuple[LinePath, ...]:
    coming = [path for block in come for path in paths(platform, block)]
    going = {path for block in gone for path in _leaves(paths(platform, block))} - set(coming)
    left = [path for path in state if not _beneath(path, going)]
    emptied = re.compile(platform.difference.emptied)
    sections = {path[:-1] for path in going}
    left = [
        path
        for path in left
        if not (path in sections and emptied.match(path[-1]) and not any(_inside(each, path) for each in left))
    ]
    settings = [_setting(platform, path) for path in coming]
    left = [path for path in left if path in coming or _setting(platform, path) not in settings]
    return tuple(dict.fromkeys((*left, *coming)))


def _leaves(lines: Sequence[LinePath]) -> tuple[LinePath, ...]:
    return tuple(path for path in lines if not any(_inside(each, path) for each in lines))


def _inside(path: LinePath, section: LinePath) -> bool:
    return len(path) > len(section) and path[: len(section)] == section


def _beneath(path: LinePath, roots: set[LinePath]) -> bool:
    return any(path[:length] in roots for length in range(1, len(path) + 1))


def _setting(platform: Platform, path: LinePath) -> object:
    """Return what a line sets where a later line replaces an earlier one; otherwise the line itself."""
    for patterns in platform.difference.settings:
        if len(patterns) == len(path):
            found = [re.match(pattern, line) for pattern, line in zip(patterns, path, strict=True)]
            if all(found):
                return (path[:-1], patterns, found[-1].groups() if found[-1] else ())
    return path


def _standing(platform: Platform, state: Sequence[LinePath]) -> tuple[LinePath, ...]:
    """Leave out the lines whose base is not there, such as a neighbour's settings without the neighbour."""
    return tuple(path for path in state if all(_stands(path, base, state) for base in _bases(platform, path)))


def _bases(platform: Platform, path: LinePath) -> Iterator[str]:
    for rule in platform.difference.dependents:
        found = re.match(rule.lines, path[-1])
        if found is not None:
            yield found.expand(rule.base)


def _stands(path: LinePath, base: str, state: Iterable[LinePath]) -> bool:
    return any(each[-1].startswith(base) and path[: len(each) - 1] == each[:-1] for each in state)


def _grouped(lines: Sequence[LinePath]) -> Iterator[LinePath]:
    """Yield paths so that each section is followed by what it contains, in the order in which they were first named."""
    children: dict[LinePath, dict[LinePath, None]] = {}
    for path in lines:
        for length in range(1, len(path) + 1):
            children.setdefault(path[: length - 1], {}).setdefault(path[:length])

    def walk(section: LinePath) -> Iterator[LinePath]:
        for path in children.get(section, ()):
            yield path
            yield from walk(path)

    return walk(())


def _tree(driver: HConfigDriverBase, lines: Sequence[LinePath]) -> HConfig:
    tree = HConfig(driver)
    for path in lines:
        tree.add_children_deep(path)
    return tree


def _typed(platform: Platform, children: HConfigChildren, above: LinePath, gone: set[LinePath]) -> Iterator[str]:
    for child in sorted(children):
        path = (*above, child.text.removeprefix("no "))
        if path in gone and any(path[-1] != b and _stands(path, b, gone - {path}) for b in _bases(platform, path)):
            # It goes by itself with the line that it depends on; to take it away first would be a change of its own.
            continue
        inner = tuple(_typed(platform, child.children, (*above, child.text), gone))
        if inner or not child.children:
            yield child.text
        if inner:
            yield from (*inner, platform.commands.leave)


def _matches(patterns: Sequence[str]) -> tuple[MatchRule, ...]:
    return tuple(MatchRule(re_search=pattern) for pattern in patterns)


@cache
def _driver(knowledge: str) -> HConfigDriverBase:
    difference = Difference.model_validate_json(knowledge)

    class Driver(HConfigDriverBase):
        """hier_config with a platform's rules."""

        @staticmethod
        def _instantiate_rules() -> HConfigDriverRules:
            return HConfigDriverRules(
                ordering=[
                    OrderingRule(match_rules=_matches(each.lines), weight=each.weight) for each in difference.order
                ],
                idempotent_commands=[
                    IdempotentCommandsRule(match_rules=_matches(setting)) for setting in difference.settings
                ],
            )

    return Driver()
