"""What functions and filters decide, as clauses of policies and entries of lists; pure.

Only forms that say which prefixes are let through, and with which preference, are followed. Whatever else decides is a
clause with its own words and without a list, of which nobody can say what it lets through.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from typing import NamedTuple

from inventory.configured.facts import Clause, Entry
from netcfg.fetched.expanding import Numbered
from netcfg.guards.lines import LinePath

_STEP = 10
_TRUE, _FALSE = {"return true;", "accept;"}, {"return false;", "reject;"}
_HEAD = re.compile(r"^(?:function|filter) (?P<name>\S+?)(?:\(\))?(?: -> bool)? \{\}$")
_CALL = re.compile(r"^(?P<name>'[^']+'|\w+) ?\( ?\)$")
_IF = re.compile(r"^if (?P<when>.+) then (?P<then>\{\}|[^{}]+;)$")
_ONE, _SET = re.compile(r"^net = (?P<prefix>[\d.]+/\d+)$"), re.compile(r"^net ~ \[(?P<prefixes>[^\]]*)\]$")
_PREFIX = re.compile(r"^(?P<prefix>[\d.]+/\d+)(?:(?P<longer>\+)|\{ ?(?P<least>\d+) ?, ?(?P<most>\d+) ?\})?$")
_PREFERENCE = re.compile(r"^(?:bgp_local_pref|'bgp_local_pref') = (\d+);$")
_DOES = re.compile(r"^(?:[\w.']+ = .*|\w+\.\w+\(.*\)|print .*);$")


class _Rule(NamedTuple):
    line: int
    permits: bool
    matches: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()


class Functions:
    """The functions and filters of one configuration."""

    def __init__(self, lines: Numbered) -> None:
        """Take the lines of the whole configuration."""
        self._bodies: dict[str, list[tuple[int, LinePath]]] = {}
        for number, path in lines:
            head = _HEAD.match(path[0])
            if head is not None:
                self._bodies.setdefault(head["name"].strip("'"), []).append((number, path[1:]))
        self._entries: dict[tuple[str, IPv4Network, str], Entry] = {}
        self._known: dict[str, list[_Rule]] = {}
        self._lists: dict[str, list[object]] = {}

    def policy(self, line: int, words: str, *, ours: str) -> tuple[str, tuple[Clause, ...]]:
        """Return the name of the policy that a neighbour's words are, with the clauses of all policies in it.

        `ours` matches the names of policies that go on with another one.
        """
        kind, _space, rest = words.rstrip(";").partition(" ")
        if words in {"all", "none"}:
            return ("", ()) if words == "all" else ("none", _clauses("none", [_Rule(line, permits=False)]))
        expression = rest if kind == "where" else f"{rest}()"
        first, *others = _split(_bare(expression), "||")
        call = _CALL.match(first)
        if call is not None and others and re.match(ours, call["name"].strip("'")):
            called, below = self.policy(line, f"where {_bare(' || '.join(others))}", ours=ours)
            name = call["name"].strip("'")
            own = _clauses(name, _open_ended(self._function(name, line)))
            last = Clause(line=line, policy=name, number=_STEP * (len(own) + 1), permits=True, calls=called)
            return name, (*own, last, *below)
        call = _CALL.match(_bare(expression))
        name = call["name"].strip("'") if call is not None else _bare(expression)
        rules = self._function(name, line) if call is not None else self._expression(expression, name, line)
        return name, _clauses(name, rules)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of all lists that policies asked for so far."""
        return tuple(self._entries.values())

    def _function(self, name: str, line: int) -> list[_Rule]:
        if name not in self._known:
            # Until it is read, whoever asks for it (itself, in the end) cannot say what it lets through.
            self._known[name] = [_Rule(line, permits=True, matches=(f"{name}()",))]
            if name in self._bodies:
                self._known[name] = list(self._body(name, self._bodies[name][1:]))
        return self._known[name]

    def _body(self, name: str, body: Numbered) -> Iterator[_Rule]:
        sets: tuple[str, ...] = ()
        for number, path in body:
            if len(path) > 1:
                continue
            words = path[0]
            condition = _IF.match(words)
            if words in _TRUE | _FALSE:
                yield _Rule(number, permits=words in _TRUE, sets=sets if words in _TRUE else ())
                return
            if words.startswith("return "):
                yield from self._expression(words[len("return ") : -1], name, number, sets)
                return
            if condition is not None:
                inside = [each for each in body if len(each[1]) == 2 and each[1][0] == words]
                yield from self._condition(condition, inside, name, number, sets)
            elif _DOES.match(words):
                sets += _said(words)
            else:
                yield _Rule(number, permits=True, matches=(words,))

    def _condition(
        self, condition: re.Match[str], inside: Numbered, name: str, line: int, sets: tuple[str, ...]
    ) -> Iterator[_Rule]:
        steps = [path[1] for _number, path in inside] if condition["then"] == "{}" else [condition["then"]]
        *deeds, end = steps or [""]
        if end not in _TRUE | _FALSE or not all(_DOES.match(each) for each in deeds):
            yield _Rule(line, permits=True, matches=(condition[0],))
            return
        said = (*sets, *(words for each in deeds for words in _said(each)))
        for matches in _split(_bare(condition["when"]), "||"):
            yield self._rule(matches, name, line, permits=end in _TRUE, sets=said if end in _TRUE else ())

    def _expression(
        self, expression: str, name: str, line: int, sets: tuple[str, ...] = ()
    ) -> list[_Rule]:
        rules: list[_Rule] = []
        for part in _split(_bare(expression), "||"):
            call = _CALL.match(_bare(part))
            if _bare(part) == "false":
                continue
            asked = self._function(call["name"].strip("'"), line) if call is not None and not sets else None
            more = [self._rule(part, name, line, permits=True, sets=sets)] if asked is None else asked
            rules = [*_open_ended(rules), *more]
        return [*_open_ended(rules), _Rule(line, permits=False)]

    def _rule(
        self, words: str, name: str, line: int, *, permits: bool, sets: tuple[str, ...]
    ) -> _Rule:
        parts = [part for each in _split(_bare(words), "&&") if (part := _bare(each)) != "true"]
        # What has the same effect is one list; what must be met beside something else is one of its own.
        effect = (permits, sets) if len(parts) == 1 else None
        lists = [self._list(part, name, line, effect) for part in parts]
        matches = tuple(found or part for found, part in zip(lists, parts, strict=True))
        return _Rule(line, permits=permits, matches=matches, lists=tuple(filter(None, lists)), sets=sets)

    def _list(self, words: str, name: str, line: int, effect: object) -> str:
        """Return the name of the list that a condition asks; empty where it asks something else."""
        one, several, call = _ONE.match(words), _SET.match(words), _CALL.match(words)
        if call is not None:
            return self._called(call["name"].strip("'"), line)
        found = [one["prefix"]] if one else _split(several["prefixes"], ",") if several else []
        entries = [_entry(name, line, each.strip()) for each in found if each.strip()]
        if not entries or None in entries:
            return ""
        effects = self._lists.setdefault(name, [])
        if not effects or effects[-1] != effect or effect is None:
            effects.append(effect)
        name = name if len(effects) == 1 else f"{name}-{len(effects)}"
        for each in entries:
            assert each is not None
            self._entries[name, each.prefix, each.bounds] = each.model_copy(update={"name": name})
        return name

    def _called(self, name: str, line: int) -> str:
        """Return a function's name where it does nothing but ask one list."""
        rules = _open_ended(self._function(name, line))
        plain = all(rule.permits and not rule.sets and rule.lists == (name,) == rule.matches for rule in rules)
        return name if plain else ""


def _clauses(policy: str, rules: Sequence[_Rule]) -> tuple[Clause, ...]:
    # That the rest is let through by nothing need not be said; a policy that lets nothing through has to say it.
    told = rules if len(rules) == 1 else _open_ended(rules)
    return tuple(
        Clause(line=rule.line, policy=policy, number=_STEP * number, permits=rule.permits, matches=rule.matches,
               lists=rule.lists, sets=rule.sets)
        for number, rule in enumerate(told, start=1)
    )  # fmt: skip


def _open_ended(rules: Sequence[_Rule]) -> list[_Rule]:
    """Leave out that everything else is not let through."""
    ends = bool(rules) and not rules[-1].permits and not rules[-1].matches
    return list(rules[:-1] if ends else rules)


def _entry(name: str, line: int, words: str) -> Entry | None:
    found = _PREFIX.match(words)
    try:
        prefix = IPv4Network(found["prefix"]) if found else None
    except ValueError:
        prefix = None
    if found is None or prefix is None:
        return None
    bounds = "le 32" if found["longer"] else f"ge {found['least']} le {found['most']}" if found["least"] else ""
    return Entry(line=line, name=name, permits=True, prefix=prefix, bounds=bounds)


def _said(words: str) -> tuple[str, ...]:
    preference = _PREFERENCE.match(words)
    if words.startswith("print "):
        return ()
    return (f"local-preference {preference[1]}",) if preference else (words.rstrip(";"),)


def _split(words: str, sign: str) -> list[str]:
    """Return the parts between signs that stand in no brackets."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(words):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(words[at], 0)
        if depth == 0 and words.startswith(sign, at):
            parts.append(words[start:at].strip())
            start = at = at + len(sign)
            continue
        at += 1
    return [*parts, words[start:].strip()]


def _bare(words: str) -> str:
    """Return an expression without brackets around the whole of it."""
    words = words.strip()
    while words.startswith("(") and _closes(words) == len(words) - 1:
        words = words[1:-1].strip()
    return words


def _closes(words: str) -> int:
    depth = 0
    for at, sign in enumerate(words):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return at
    return -1
