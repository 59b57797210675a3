"""Configurations as trees: what one becomes by a change, and which commands bring a device there.

Everything here is pure. Undo is the same function with `before` and `after` swapped. The law: a device with the running
configuration that takes the commands of `commands_between(platform, running, intended)` has the intended one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import cache

from hier_config import HConfig, WorkflowRemediation
from hier_config.children import HConfigChildren
from hier_config.models import IdempotentCommandsRule, MatchRule, OrderingRule
from hier_config.platforms.driver_base import HConfigDriverBase, HConfigDriverRules

from netcfg.errors import CannotCall, CannotCopy, PolicyUnseen
from netcfg.guards.lines import Deed, LinePath, Ours, emptying, inside, normal, opposite, setting, typed
from netcfg.intent import CircuitPolicy, Policy
from netcfg.platforms import Difference, Platform
from netcfg.reading import paths, written

_HEAD = 3
"""As many words say what a line is about: neighbor ADDRESS remote-as."""

def intended(
    platform: Platform, running: str, before: Sequence[str], after: Sequence[str], policies: Sequence[Policy] = ()
) -> str:
    """Return what a running configuration becomes when the blocks of `before` give way to those of `after`."""
    found = paths(platform, running)
    state = _replace(platform, found, _blocks(platform, found, before), _blocks(platform, found, after))
    for policy in policies:
        if policy.within and not any(re.search(policy.within, path[-1]) for path in state):
            state = _replace(platform, state, _blocks(platform, state, (policy.present, policy.absent)), ())
            continue
        marked = any(re.search(policy.marker, path[-1]) for path in state)
        present, absent = _filled(platform, state, policy)
        gone, come = (absent, present) if marked else (present, absent)
        state = _replace(platform, state, _blocks(platform, state, (gone,)), _blocks(platform, state, (come,)))
    return written(platform, _standing(platform, state, found))


def surveyed_policy(platform: Platform, state: Sequence[LinePath], circuit: CircuitPolicy) -> tuple[str | None, bool]:
    """Return the operator's policy at a circuit, and whether the circuit has it from a group that it belongs to.

    Where ours is in force already it is the one that ours calls.
    """
    known = platform.policies
    section = _section(platform, state, str(circuit.address)) or ""
    values = {"policy": circuit.policy, "asn": circuit.asn, "section": section}
    own = _found(state, known.used, address=circuit.address, **values)
    group = _found(state, known.member, address=circuit.address, **values)
    inherited = None if group is None else _found(
        state, known.inherited or known.used, address=group, **values
    )  # fmt: skip
    if own == circuit.policy:
        own = _found(state, known.called, **values)
        return own, own is not None and own == inherited
    return (inherited, inherited is not None) if own is None else (own, False)


def _filled(platform: Platform, state: Sequence[LinePath], policy: Policy) -> tuple[str, str]:
    """Return what stands with and without the marker, with the operator's own policy where it has to be kept."""
    circuit = policy.circuit
    if circuit is None:
        return policy.present, policy.absent
    name, inherited = surveyed_policy(platform, state, circuit)
    section = _section(platform, state, str(circuit.address)) or ""
    values = {"policy": circuit.policy, "asn": circuit.asn, "address": circuit.address, "section": section}
    present, everything = policy.present, platform.policies.everything
    if name is None and everything and _found(state, platform.policies.open, **values) is not None:
        name = everything
    if name is None and platform.policies.refused and (line := _found(state, platform.policies.refused, **values)):
        raise (CannotCall if platform.policies.copied is None else CannotCopy)(circuit.address, line)
    if name is not None:
        there = _found(state, platform.policies.defined, surveyed=name, section=section) is not None
        # Where it came later it is the operator's to say that it counts from now on.
        denied = _found(state, platform.policies.denied, **values) is not None
        last = "policy_calls" if there and not denied else "policy_denies"
        present += "\n" + platform.block(last, surveyed=name, **values)
        present += "\n" + _copies(platform, state, circuit, name)
    elif _found(state, platform.policies.open, **values) is not None:
        present += "\n" + platform.block("policy_open", **values)
    elif platform.policies.explicit:
        raise PolicyUnseen(circuit.address)
    back = "policy_everything" if name == everything else "policy_surveyed"
    absent = "" if name is None or inherited else platform.block(back, surveyed=name, **values)
    return present, absent


def _copies(platform: Platform, state: Sequence[LinePath], circuit: CircuitPolicy, name: str) -> str:
    """Return the clauses of the operator's policy as they stand behind ours, where no policy can call another.

    Those that stand there already are kept as they are, whatever has become of his.
    """
    copied = platform.policies.copied
    if copied is None:
        return ""
    there = _found(state, platform.policies.defined, surveyed=circuit.policy) is not None
    clause = re.compile(copied.clause.format(surveyed=re.escape(circuit.policy if there else name)))
    lines: list[LinePath] = []
    for path in state:
        head = clause.match(path[0])
        number = 0 if head is None else int(head[2])
        if head is None or (there and not copied.above < number <= copied.most + copied.above):
            continue
        if not there and (number > copied.most or re.match(copied.bound, path[-1])):
            raise CannotCopy(circuit.address, " / ".join(path))
        number += 0 if there else copied.above
        lines.append((copied.copy_of.format(policy=circuit.policy, action=head[1], number=number), *path[1:]))
    return written(platform, lines)


def _found(state: Sequence[LinePath], patterns: Sequence[str], **values: object) -> str | None:
    literal = {key: re.escape(str(value)) for key, value in values.items()}
    wanted = [re.compile(pattern.format(**literal)) for pattern in patterns]
    for path in state:
        if len(path) == len(wanted):
            found = [pattern.match(line) for pattern, line in zip(wanted, path, strict=True)]
            if all(found) and found[-1] is not None:
                return found[-1][found[-1].lastindex or 0]
    return None


def taken(platform: Platform, saved: str, before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """Return as blocks what a change took from a saved configuration, with every line that fell with another one.

    Who puts these back has what was there, and not what a template has.
    """
    left = set(paths(platform, intended(platform, saved, before, after)))
    gone = tuple(path for path in paths(platform, saved) if path not in left)
    return (written(platform, gone),) if gone else ()


def same(platform: Platform, one: str, other: str) -> bool:
    """Say whether two configurations have the same lines in the same sections, in whatever order."""
    return set(paths(platform, one)) == set(paths(platform, other))


def commands_between(platform: Platform, running: str, wanted: str) -> tuple[str, ...]:
    """Return the commands, typed in configuration mode, that turn one configuration into the other."""
    return typed(deeds_between(platform, running, wanted), platform.commands.leave, platform.difference.opens)


def deeds_between(platform: Platform, running: str, wanted: str) -> tuple[Deed, ...]:
    """Return the same commands, each with the line that it adds or takes away."""
    if platform.syntax == "braces":
        return tuple(_edits(paths(platform, running), paths(platform, wanted)))
    driver = _driver(platform.difference.model_dump_json())
    now, then = paths(platform, running), paths(platform, wanted)
    remedy = WorkflowRemediation(_tree(driver, now), _tree(driver, then)).remediation_config
    return tuple(_reworded(platform, deed) for deed in _deeds(platform, remedy.children, (), set(now) - set(then)))


def _reworded(platform: Platform, deed: Deed) -> Deed:
    """Return a command in the words of the platform, where it takes a line away by less than the whole of it."""
    for rule in () if deed.adds else platform.difference.negated:
        if (found := re.match(rule.line, deed.path[-1])) is not None:
            return deed._replace(command=found.expand(rule.command))
    return deed


def ours_between(platform: Platform, running: str, wanted: str) -> Ours:
    """Return the difference that a change makes, with the commands that take it back."""
    now, then = set(paths(platform, running)), set(paths(platform, wanted))
    back = deeds_between(platform, wanted, running)
    return Ours(added=frozenset(then - now), removed=frozenset(now - then), back=back)


def homeless(platform: Platform, lines: Iterable[LinePath]) -> str | None:
    """Return what lines are about of which a configuration has no section; None where all have theirs."""
    located = platform.difference.located
    for path in lines if located is not None else ():
        if located is not None and (words := re.match(located.head, path[0])) is not None:
            return words[1]
    return None


def unsaved(platform: Platform, running: str, startup: str) -> set[LinePath]:
    """Return the lines in which what runs and what the device would start with differ."""
    return _normal(platform, running) ^ _normal(platform, startup)


def shown(platform: Platform, found: Iterable[LinePath]) -> tuple[str, ...]:
    """Return lines as people read them, in order, without the secrets in them."""
    return tuple(platform.masked(" / ".join(path)) for path in sorted(found))


def _normal(platform: Platform, text: str) -> set[LinePath]:
    return normal(paths(platform, text), platform.ambient)


Blocks = Sequence[Sequence[LinePath]]


def _blocks(platform: Platform, state: Sequence[LinePath], texts: Sequence[str]) -> Blocks:
    """Return the lines of blocks, in the sections that they are about as those are called on the device."""
    return [[_at_home(platform, state, path) for path in paths(platform, text)] for text in texts]


def _at_home(platform: Platform, state: Sequence[LinePath], path: LinePath) -> LinePath:
    located = platform.difference.located
    words = re.match(located.head, path[0]) if located is not None else None
    if located is None or words is None:
        return path
    home = _section(platform, state, words[1])
    return path if home is None else (home, *path[1:])


def _section(platform: Platform, state: Sequence[LinePath], about: str) -> str | None:
    """Return what the section is called that has a line about something, such as a neighbour's address."""
    located = platform.difference.located
    if located is None:
        return None
    line = re.compile(located.line.format(about=re.escape(about)))
    return next((p[0] for p in state if len(p) > 1 and re.match(located.sections, p[0]) and line.match(p[-1])), None)


def _replace(platform: Platform, state: Sequence[LinePath], gone: Blocks, come: Blocks) -> tuple[LinePath, ...]:
    coming = _coming(platform, state, come)
    leaves = {path for block in gone for path in _leaves(block)}
    going = {path for leaf in leaves for path in (leaf, *_alike(platform, leaf, state))} - set(coming)
    left = [path for path in state if not _beneath(path, going)]
    left = _without_empty(platform, left, {path[:-1] for path in going})
    settings = {_setting(platform, path) for path in coming}
    left = [path for path in left if path in coming or _setting(platform, path) not in settings]
    return tuple(dict.fromkeys((*left, *coming)))


def _without_empty(platform: Platform, state: Sequence[LinePath], sections: set[LinePath]) -> list[LinePath]:
    """Leave out those of some sections that go with their last line, and then those around them."""
    emptied = re.compile(platform.difference.emptied)
    while gone := {
        path
        for path in sections.intersection(state)
        if emptied.match(path[-1]) and not any(inside(each, path) for each in state)
    }:
        state = [path for path in state if path not in gone]
        sections = {path[:-1] for path in gone}
    return list(state)


def _coming(platform: Platform, state: Sequence[LinePath], blocks: Sequence[Sequence[LinePath]]) -> list[LinePath]:
    """Return the lines to come, without those that another block, or the device, says in other words."""
    coming: list[LinePath] = []
    for number, block in enumerate(blocks):
        elsewhere = [*state, *(path for other in (*blocks[:number], *blocks[number + 1 :]) for path in other)]
        coming += [path for path in block if path in elsewhere or not _alike(platform, path, elsewhere)]
    return coming


def _setting(platform: Platform, path: LinePath) -> object:
    return setting(platform.difference.settings, path)


def _alike(platform: Platform, path: LinePath, state: Sequence[LinePath]) -> tuple[LinePath, ...]:
    """Return the lines that do the same as one that a change asks for, in other words than the plan's."""
    found: list[LinePath] = []
    for rule in platform.difference.alike:
        match = re.match(rule.line, path[-1])
        if match is not None:
            also = re.compile(rule.also.replace(r"\1", re.escape(match[1])))
            found += [each for each in state if each[:-1] == path[:-1] and also.match(each[-1])]
    return tuple(found)


def _leaves(lines: Sequence[LinePath]) -> tuple[LinePath, ...]:
    return tuple(path for path in lines if not any(inside(each, path) for each in lines))


def _beneath(path: LinePath, roots: set[LinePath]) -> bool:
    return any(path[:length] in roots for length in range(1, len(path) + 1))


def _standing(platform: Platform, state: Sequence[LinePath], found: Sequence[LinePath]) -> tuple[LinePath, ...]:
    """Leave out the lines that lost their base, such as a neighbour's settings without the neighbour.

    A line that stood without one before is none of ours.
    """
    heads, earlier, known = _heads(state), _heads(found), set(found)
    return tuple(
        path
        for path in state
        if _based(platform, path, heads) or (path in known and not _based(platform, path, earlier))
    )


def _based(platform: Platform, path: LinePath, heads: Set[LinePath]) -> bool:
    """Say whether a line has what it depends on, in its own section or an outer one."""
    for rule in platform.difference.dependents:
        match = re.match(rule.lines, path[-1])
        if match is not None:
            bases = tuple(match.expand(base) for base in rule.bases)
            return any((*path[:length], base) in heads for length in range(len(path)) for base in bases)
    return True


def _is_base(platform: Platform, path: LinePath) -> bool:
    for rule in platform.difference.dependents:
        match = re.match(rule.lines, path[-1])
        if match is not None:
            return any((path[-1] + " ").startswith(match.expand(base) + " ") for base in rule.bases)
    return True


def _heads(state: Iterable[LinePath]) -> set[LinePath]:
    """Return lines by their first words, with which others refer to them."""
    return {(*path[:-1], " ".join(path[-1].split()[:_HEAD])) for path in state}


def _tree(driver: HConfigDriverBase, lines: Sequence[LinePath]) -> HConfig:
    tree = HConfig(driver)
    for path in lines:
        tree.add_children_deep(path)
    return tree


def _deeds(platform: Platform, children: HConfigChildren, above: LinePath, gone: Set[LinePath]) -> Iterator[Deed]:
    heads = _heads(gone)
    for child in sorted(children):
        if child.children:
            yield from _deeds(platform, child.children, (*above, child.text), gone)
            continue
        gone_line = (*above, opposite(platform.difference.negation, child.text))
        if gone_line not in gone:
            yield Deed((*above, child.text), child.text, adds=True)
        elif re.match(platform.difference.lasting, gone_line[-1]):
            yield from emptying(platform.difference.negation, gone_line, gone)
        elif _is_base(platform, gone_line) or not _based(platform, gone_line, heads):
            yield Deed(gone_line, child.text, adds=False)
        # Else it goes by itself with the line that it depends on; to take it away first would be a change of its own.


def _edits(now: Sequence[LinePath], then: Sequence[LinePath]) -> Iterator[Deed]:
    """Yield lines to take away, sections as a whole where nothing of them stays, and lines to add."""
    gone, come = set(now) - set(then), set(then) - set(now)
    yield from (Deed(path, path[-1], adds=False) for path in now if path in gone and path[:-1] not in gone)
    yield from (Deed(path, path[-1], adds=True) for path in _leaves([each for each in then if each in come]))


def _matches(patterns: Sequence[str]) -> tuple[MatchRule, ...]:
    return tuple(MatchRule(re_search=pattern) for pattern in patterns)


@cache
def _driver(knowledge: str) -> HConfigDriverBase:
    difference = Difference.model_validate_json(knowledge)

    class Driver(HConfigDriverBase):
        """hier_config with a platform's rules."""

        @property
        def negation_prefix(self) -> str:
            return difference.negation

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
