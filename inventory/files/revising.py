"""Changes a YAML file to hold other values, and leaves all that does not change as people have written it.

The file is composed into nodes with their places; what differs from the wanted values becomes single replacements of
text, so that comments, quotes, indentation and order stay. Afterwards the new text is read again: it holds exactly what
was wanted, or `Unrevisable` is raised and nothing is lost.

    RevisingError
      Unrevisable       the text is written in a way that cannot be changed in place; a person has to do it
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from inventory.errors import ZhengheError
from inventory.files.dumping import SPACED, fits, flow_text, member_lines, scalar_text, value_lines, yaml_text
from inventory.files.reading import read, resolved
from inventory.words import _

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Edit = tuple[int, int, str]
"""The characters from the first to before the second position become the text."""


class RevisingError(ZhengheError):
    """A file cannot be changed."""


class Unrevisable(RevisingError):
    """The text is written in a way that cannot be changed in place."""

    def __init__(self) -> None:
        super().__init__(_("this file is written in a way that cannot be changed here; change it by hand"))


def revised(text: str, wanted: Sequence[Mapping[str, Any]]) -> str:
    """Return the text with its documents, those that hold something, changed to hold the wanted values.

    Keys and members of lists may be added and values changed; none may be missing but members that have names.
    Unrevisable where it does not work.
    """
    bare = text.removeprefix("\ufeff")
    newline = "\r\n" if "\r\n" in bare else "\n"
    edits: list[Edit] = []
    try:
        nodes = [node for node in yaml.compose_all(bare, Loader=_LOADER) if node is not None and held(node) is not None]
        if not nodes and len(wanted) == 1:
            glue = "" if not bare or bare.endswith("\n") else "\n"
            return _proved(text + glue + yaml_text(wanted[0]), wanted)
        for node, document in zip(nodes, wanted, strict=True):
            edits += _Reviser(bare).between(node, document)
    except (yaml.YAMLError, ValueError) as exc:
        raise Unrevisable from exc
    return _proved(text[: len(text) - len(bare)] + _applied(bare, edits, newline), wanted)


def _applied(text: str, edits: Sequence[Edit], newline: str) -> str:
    pieces: list[str] = []
    done = 0
    # The order of edits at one place is the order in which they were found.
    for start, end, replacement in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [text[done:start], replacement.replace("\n", newline)]
        done = end
    return "".join([*pieces, text[done:]])


def _proved(text: str, wanted: Sequence[Mapping[str, Any]]) -> str:
    documents, problems = read(text.encode())
    if problems or not _same([document.plain for document in documents if document.plain is not None], list(wanted)):
        raise Unrevisable
    return text


def _same(one: object, other: object) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    # True is no 1 here, though Python calls them equal.
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def held(node: yaml.Node) -> Any:
    """Return the plain values that a composed node holds, in the language of `inventory.files.reading`."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): held(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [held(each) for each in node.value]
    assert isinstance(node, yaml.ScalarNode)
    return node.value if node.style else resolved(node.value)


class _Reviser:
    def __init__(self, text: str) -> None:
        self.text = text

    def between(self, node: yaml.Node, wanted: object, key: str = "") -> Iterator[Edit]:
        """Yield the edits that make a node, which stands under a key, hold what is wanted."""
        if _same(held(node), wanted):
            return
        if isinstance(node, yaml.CollectionNode) and node.flow_style:
            yield from self.flow(node, wanted, key)
        elif isinstance(node, yaml.MappingNode) and isinstance(wanted, Mapping) and _grows(node, wanted):
            yield from self.block_mapping(node, wanted)
        elif isinstance(node, yaml.SequenceNode) and isinstance(wanted, list | tuple) and _named(node, wanted):
            yield from self.fewer(node, wanted, key)
        elif isinstance(node, yaml.SequenceNode) and isinstance(wanted, list | tuple) and _grows(node, wanted):
            yield from self.block_sequence(node, wanted, key)
        else:
            yield from self.whole(node, wanted)

    def fewer(self, node: yaml.SequenceNode, wanted: Sequence[Any], key: str) -> Iterator[Edit]:
        """Yield the edits of a list of which members are gone, with the lines on which they stood."""
        names = {each["name"] for each in wanted}
        kept = [member for member in node.value if held(member)["name"] in names]
        for member in node.value:
            if member not in kept:
                start = self.text.rfind("\n", 0, member.start_mark.index) + 1
                end = min(len(self.text), self.line_end(member) + 1)
                # The empty line behind a member goes with it.
                yield start, end + self.text.startswith("\n", end), ""
        yield from self.block_sequence(yaml.SequenceNode(node.tag, kept, node.start_mark, node.end_mark), wanted, key)

    def block_mapping(self, node: yaml.MappingNode, wanted: Mapping[str, Any]) -> Iterator[Edit]:
        indent = node.start_mark.column
        old = {key.value: (key, value) for key, value in node.value}
        place: int | None = None
        for key, value in wanted.items():
            if key in old:
                yield from self.child(old[key][0], old[key][1], value)
                place = self.line_end(old[key][1])
                continue
            lines = value_lines(key, value, indent)
            if place is not None:
                yield place, place, "".join(f"\n{line}" for line in lines)
            else:
                first = node.start_mark.index
                yield (
                    first,
                    first,
                    "".join(f"{line.lstrip() if not n else line}\n" for n, line in enumerate(lines)) + " " * indent,
                )

    def child(self, key: yaml.ScalarNode, node: yaml.Node, wanted: object) -> Iterator[Edit]:
        """Yield the edits of a value of a block mapping; it may become a block of its own below its key."""
        small = not isinstance(node, yaml.CollectionNode) or node.flow_style
        lines = list(value_lines(key.value, wanted, key.start_mark.column)) if small else []
        if len(lines) > 1 and not _same(held(node), wanted) and not self.flows(node, wanted, key.value):
            start = self.text.index(":", key.end_mark.index) + 1
            yield start, max(start, node.end_mark.index), "".join(f"\n{line}" for line in lines[1:])
        else:
            yield from self.between(node, wanted, key.value)

    def block_sequence(self, node: yaml.SequenceNode, wanted: Sequence[Any], key: str) -> Iterator[Edit]:
        for member, value in zip(node.value, wanted, strict=False):
            yield from self.between(member, value, key)
        place = self.line_end(node)
        gap = "\n" if key in SPACED else ""
        for value in wanted[len(node.value) :]:
            lines = member_lines(value, node.start_mark.column, key)
            yield place, place, gap + "".join(f"\n{line}" for line in lines)

    def flows(self, node: yaml.Node, wanted: object, key: str) -> bool:
        """Return whether a value goes where one on a single line stands."""
        if isinstance(node, yaml.CollectionNode) and "#" in self.text[node.start_mark.index : node.end_mark.index]:
            return True
        values = held(node)
        return fits(wanted, node.start_mark.column + 1, "" if isinstance(values, Mapping) and values else key)

    def flow(self, node: yaml.CollectionNode, wanted: object, key: str) -> Iterator[Edit]:
        """Yield the edits of something in braces; where it no longer fits into its line it becomes a block."""
        if self.flows(node, wanted, key) or not self.after_hyphen(node):
            yield from self.braces(node, wanted)
            return
        column = node.start_mark.column
        lines = list(member_lines(wanted, column - 2, key))
        yield node.start_mark.index, node.end_mark.index, "\n".join([lines[0][column:], *lines[1:]])

    def after_hyphen(self, node: yaml.Node) -> bool:
        """Return whether a node begins right after the hyphen of a member of a list."""
        start = node.start_mark.index
        line = self.text[self.text.rfind("\n", 0, start) + 1 : start]
        return line.strip(" ") == "-" and line.endswith("- ")

    def braces(self, node: yaml.Node, wanted: object) -> Iterator[Edit]:
        """Yield edits that stay within braces."""
        if _same(held(node), wanted):
            return
        if isinstance(node, yaml.MappingNode) and isinstance(wanted, Mapping) and _grows(node, wanted):
            old = {key.value: value for key, value in node.value}
            for key, member in old.items():
                yield from self.braces(member, wanted[key])
            added = [f"{scalar_text(key)}: {flow_text(value)}" for key, value in wanted.items() if key not in old]
            yield from self.added(node, added)
        elif isinstance(node, yaml.SequenceNode) and isinstance(wanted, list | tuple) and _grows(node, wanted):
            for member, value in zip(node.value, wanted, strict=False):
                yield from self.braces(member, value)
            yield from self.added(node, [flow_text(value) for value in wanted[len(node.value) :]])
        else:
            yield from self.whole(node, wanted)

    def added(self, node: yaml.CollectionNode, texts: Sequence[str]) -> Iterator[Edit]:
        """Yield the edit that adds members behind the last one in braces."""
        if texts and not node.value:
            yield node.start_mark.index + 1, node.start_mark.index + 1, ", ".join(texts)
        elif texts:
            last = node.value[-1]
            place = self.end(last[1] if isinstance(node, yaml.MappingNode) else last)
            yield place, place, "".join(f", {text}" for text in texts)

    def whole(self, node: yaml.Node, wanted: object) -> Iterator[Edit]:
        """Yield the edit that replaces a node by a value in one line."""
        if isinstance(node, yaml.MappingNode) and node.value:
            raise Unrevisable  # what stands in it would be lost
        start, end = node.start_mark.index, self.end(node)
        glue = " " if start and self.text[start - 1] in ":-" else ""
        yield start, end, glue + flow_text(wanted)

    def end(self, node: yaml.Node) -> int:
        """Return where the characters of a node end; the parser's own mark of a block lies behind comments."""
        while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            node = last[1] if isinstance(node, yaml.MappingNode) else last
        end = int(node.end_mark.index)
        if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
            return len(self.text[:end].rstrip())
        return end

    def line_end(self, node: yaml.Node) -> int:
        """Return the end of the line on which a node ends, so that a comment behind it stays with it."""
        end = self.end(node)
        found = self.text.find("\n", end)
        found = len(self.text) if found < 0 else found
        return found - 1 if found > end and self.text[found - 1] == "\r" else found


def _named(node: yaml.SequenceNode, wanted: Sequence[Any]) -> bool:
    """Return whether members are gone from a list whose members all have names, and some are left."""
    members = [held(member) for member in node.value]
    if not all(isinstance(each, Mapping) and "name" in each for each in (*wanted, *members)):
        return False
    before, after = ({each["name"] for each in some} for some in (members, wanted))
    return bool(before - after) and bool(before & after)


def _grows(node: yaml.CollectionNode, wanted: Mapping[str, Any] | Sequence[Any]) -> bool:
    """Return whether nothing that a node has is missing in what is wanted."""
    if isinstance(wanted, Mapping):
        return all(str(key.value) in wanted for key, _value in node.value)
    return len(node.value) <= len(wanted)
