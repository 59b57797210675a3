"""Reads YAML into a tree that remembers where everything stands.

The language is YAML 1.2 with the core schema: `on` and `yes` are words, 010 is ten, and a date is a word too. Less is
allowed than YAML offers, because an inventory is read by people first: no anchors and aliases, no tags, no key twice.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Protocol, cast

import yaml

from inventory.files.grammar import explained
from inventory.findings import Problem, Spot
from inventory.words import _

LIMIT_BYTES = 16 * 1024 * 1024
LIMIT_DEPTH = 32
LIMIT_PROBLEMS = 500
"""So many problems of writing are told of one file; who mends them reads it again."""

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMERIC = frozenset("0123456789+-.")
"""What a number may begin with."""
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


Plain = str | float | bool | None


class Mark(Protocol):
    """Where the parser stood; line and column count from zero."""

    line: int
    column: int


def spot_of(mark: Mark) -> Spot:
    """Return the place of a mark as people count."""
    return Spot(mark.line + 1, mark.column + 1)


class Scalar:
    """A word, number, truth value or nothing."""

    __slots__ = ("mark", "value")

    def __init__(self, value: Plain, mark: Mark) -> None:
        self.value = value
        self.mark = mark

    @property
    def plain(self) -> Any:
        """Return the value without places."""
        return self.value


class Sequence:
    """A list."""

    __slots__ = ("items", "mark")

    def __init__(self, mark: Mark) -> None:
        self.items: list[Node] = []
        self.mark = mark

    @property
    def plain(self) -> Any:
        """Return the values without places."""
        return [item.plain for item in self.items]


class Mapping:
    """Names with values; keys keep their own places."""

    __slots__ = ("items", "keys", "mark")

    def __init__(self, mark: Mark) -> None:
        self.items: dict[str, Node] = {}
        self.keys: dict[str, Mark] = {}
        self.mark = mark

    @property
    def plain(self) -> Any:
        """Return the values without places."""
        return {key: item.plain for key, item in self.items.items()}


Node = Scalar | Sequence | Mapping


def _whole(text: str, base: int) -> int | str:
    # Python refuses to read integers of thousands of digits; nothing in an inventory is that long.
    return int(text, base) if len(text) < 40 else text


@lru_cache(1 << 16)
def resolved(text: str) -> Plain:
    """Return what a plain scalar means in the core schema of YAML 1.2."""
    if text in _WORDS or text[0] not in _NUMERIC:
        return _WORDS.get(text, text)
    if _INTEGER.fullmatch(text):
        return _whole(text, 10)
    if _OCTAL.fullmatch(text):
        return _whole(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return _whole(text[2:], 16)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


class _Builder:
    """Builds the trees of one file from the parser's events, without recursion."""

    def __init__(self) -> None:
        self.documents: list[Node] = []
        self.problems: list[Problem] = []
        self.stack: list[Sequence | Mapping] = []
        self.pending: list[tuple[str, Mark] | None] = []

    def problem(self, mark: Mark, reason: str, mend: str) -> None:
        self.problems.append(Problem(spot=spot_of(mark), reason=reason, mend=mend))

    def take(self, event: yaml.Event) -> bool:
        """Take one event; false when the rest of the file must not be read."""
        mark = cast("Mark", event.start_mark)
        if len(self.problems) >= LIMIT_PROBLEMS:
            self.problem(mark, _("too much is wrong here: the rest of the file is not read"), _("mend what is above"))
            return False
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            self.problem(mark, _("anchors and aliases are not used in an inventory"), _("write the value out"))
        if isinstance(event, yaml.AliasEvent):
            self.place(Scalar(None, mark))
        elif isinstance(event, yaml.ScalarEvent):
            self.scalar(event, mark)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            if len(self.stack) >= LIMIT_DEPTH:
                self.problem(mark, _("nested too deeply"), _("an inventory has only a few levels"))
                return False
            node = Sequence(mark) if isinstance(event, yaml.SequenceStartEvent) else Mapping(mark)
            self.tagged(event.tag, mark)
            self.place(node)
            self.stack.append(node)
            self.pending.append(None)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self.stack.pop()
            self.pending.pop()
        return True

    def tagged(self, tag: str | None, mark: Mark) -> None:
        if tag not in {None, "!"}:
            self.problem(mark, _("tags are not used in an inventory"), _("remove the word that begins with '!'"))

    def scalar(self, event: yaml.ScalarEvent, mark: Mark) -> None:
        self.tagged(event.tag, mark)
        self.place(Scalar(resolved(event.value) if event.implicit[0] else event.value, mark))

    def place(self, node: Node) -> None:
        if not self.stack:
            self.documents.append(node)
            return
        holder = self.stack[-1]
        if isinstance(holder, Sequence):
            holder.items.append(node)
        elif self.pending[-1] is None:
            self.pending[-1] = (self.key(node), node.mark)
        else:
            (name, mark), self.pending[-1] = self.pending[-1], None
            self.enter(holder, name, mark, node)

    def key(self, node: Node) -> str:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return node.value
        self.problem(node.mark, _("a key must be a word"), _("put it in quotes if it is meant to be one"))
        return str(node.value) if isinstance(node, Scalar) else "?"

    def enter(self, holder: Mapping, name: str, mark: Mark, node: Node) -> None:
        if name in holder.keys:
            first = holder.keys[name].line + 1
            self.problem(
                mark,
                _("the key '{name}' stands here a second time").format(name=name[:60]),
                _("it was given in line {line}; keep one of them").format(line=first),
            )
            return
        holder.keys[name] = mark
        holder.items[name] = node


class _Refused(Exception):
    """The quick way does not know what to make of a text; the careful way does."""


_MARKED = re.compile(r"(?:^|[\s\[\]{},:])[&*!]")
"""What may be an anchor, an alias or a tag; a comment that looks like one costs only time."""
_INDICATORS = re.compile(r"(?:[-?:][ \t]+){8}")
_BRACKETS = re.compile(r"[\[\]{}]")


class _Composer(yaml.CSafeLoader):
    """Makes whole trees in the parser's own code; a node's tag is whether it is a plain word."""

    def resolve(self, _kind: object, _value: object, implicit: Any) -> Any:
        return implicit[0] if isinstance(implicit, tuple) else True

    def descend_resolver(self, _parent: object, _index: object) -> None:
        """Paths of keys mean nothing here."""

    def ascend_resolver(self) -> None:
        """Paths of keys mean nothing here."""


def _unusual(text: str) -> bool:
    """Return whether a text may hold what only the events tell, or be so deep that the parser's own code must not go.

    Single characters are looked for first: in nearly all files there is none of them, and that is found at once.
    """
    if any(sign in text for sign in "&*!") and _MARKED.search(text):
        return True
    if "\n" + " " * 40 in text or (any(sign in text for sign in ("- -", "?", "\t")) and _INDICATORS.search(text)):
        return True
    depth = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth >= LIMIT_DEPTH:
            return True
    return False


def _composed(text: str) -> tuple[Node, ...] | None:
    """Return the documents of a text in which nothing is unusual; None where the events must be looked at."""
    if _unusual(text):
        return None
    composer = _Composer(text)
    documents: list[Node] = []
    try:
        while composer.check_node():
            documents.append(_converted(composer.get_node(), 0))
    except (yaml.YAMLError, _Refused):
        return None
    finally:
        composer.dispose()
    return tuple(documents)


def _converted(node: Any, depth: int) -> Node:
    if type(node) is yaml.ScalarNode:
        return Scalar(resolved(node.value) if node.tag else node.value, node.start_mark)
    if depth >= LIMIT_DEPTH:
        raise _Refused
    if type(node) is yaml.SequenceNode:
        listed = Sequence(node.start_mark)
        listed.items = [_converted(member, depth + 1) for member in node.value]
        return listed
    named = Mapping(node.start_mark)
    items, keys = named.items, named.keys
    for key, value in node.value:
        name = resolved(key.value) if key.tag and type(key) is yaml.ScalarNode else key.value
        if not isinstance(name, str) or name in keys:
            raise _Refused
        keys[name] = key.start_mark
        items[name] = _converted(value, depth + 1)
    return named


def _events(text: str) -> Iterator[yaml.Event]:
    yield from yaml.parse(text, Loader=_PARSER)


def read(content: bytes) -> tuple[tuple[Node, ...], tuple[Problem, ...]]:
    """Read the documents of one file and what is wrong with its writing; never raises for any content."""
    if len(content) > LIMIT_BYTES:
        reason = _("the file is larger than {limit} MiB").format(limit=LIMIT_BYTES // 1024 // 1024)
        return (), (Problem(spot=Spot(0, 0), reason=reason, mend=_("split it: an inventory may have many files")),)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        column = exc.start - (content.rfind(b"\n", 0, exc.start) + 1) + 1
        reason = _("this is not UTF-8 text")
        return (), (Problem(spot=Spot(line, column), reason=reason, mend=_("save the file in UTF-8")),)
    composed = _composed(text)
    if composed is not None:
        return composed, ()
    return _built(text)


def _built(text: str) -> tuple[tuple[Node, ...], tuple[Problem, ...]]:
    """Read a text event by event and say what is wrong with it."""
    # Half a document would be full of findings that are not true, so the one that was not read to its end is left out.
    builder = _Builder()
    try:
        for event in _events(text):
            if not builder.take(event):
                return tuple(builder.documents[:-1]), tuple(builder.problems)
    except yaml.YAMLError as exc:
        builder.problems.append(explained(exc, text))
        return tuple(builder.documents[:-1]), tuple(builder.problems)
    return tuple(builder.documents), tuple(builder.problems)
