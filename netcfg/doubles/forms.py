"""A configuration as a device keeps it: lines in sections, of the forms that the device knows; pure.

A line of no known form is refused, for a double that takes what it does not understand proves nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Path = tuple[str, ...]
TOP = "top"
_IDLE = "idle"


class Refusal(Exception):
    """The device does not take a line; the text is the device's own."""

    def __init__(self, text: str, line: str = "") -> None:
        super().__init__(text)
        self.line = line
        """Of a whole configuration: the line that is not understood."""


@dataclass(frozen=True)
class Form:
    """One kind of line: where it may stand, what it sets, and how it is taken away."""

    view: str
    line: str
    opens: str = ""
    """The view that it opens."""
    key: str = ""
    """What it sets, from the line's groups: a later line with the same replaces it. Without one it is only itself."""
    away: str = ""
    """The words behind the negation; groups have to agree. Without any it is the line itself."""
    sweeps: str = ""
    """Lines in the same section, and below, that go with it."""
    needs: str = ""
    """A line at the top, as a pattern, without which it is refused."""
    negative: bool = False
    """It begins with the negation itself."""


_ASIDE, _WITHIN = Form(TOP, ".*", opens=_IDLE), Form(_IDLE, ".*", opens=_IDLE)


@dataclass(frozen=True)
class Grammar:
    """The forms of one kind of device."""

    forms: tuple[Form, ...]
    no: str
    wrong: str
    """Is answered to what it does not understand."""
    absent: str
    """Is answered to who takes away what is not there."""
    unmet: str
    """Is answered where a line refers to something that is not there, or is referred to; `{line}` is that."""
    idle: str = r"(?!)"
    """Lines at the top that no packet depends on, with all that stands within: a device may have them, nobody types."""

    def form(self, view: str, line: str) -> tuple[Form, re.Match[str]]:
        """Return the form of a line; Refusal where there is none."""
        for form in self.forms:
            if form.view == view and (found := re.fullmatch(form.line, line)) is not None:
                return form, found
        if view == _IDLE and (found := re.fullmatch(_WITHIN.line, line)) is not None:
            return _WITHIN, found
        if view == TOP and (found := re.fullmatch(self.idle, line)) is not None:
            return _ASIDE, found
        raise Refusal(self.wrong)

    def forwards(self, path: Path) -> bool:
        """Say whether packets may depend on a line."""
        return self.form(TOP, path[0])[0] is not _ASIDE

    def view(self, path: Path) -> str:
        """Return the view that a section is."""
        view = TOP
        for line in path:
            view = self.form(view, line)[0].opens
        return view


class Lines:
    """A configuration that can be changed line by line."""

    def __init__(self, grammar: Grammar, paths: Iterable[Path] = ()) -> None:
        self.grammar = grammar
        self.paths: dict[Path, None] = dict.fromkeys(paths)

    def copy(self) -> "Lines":
        """Return another one with the same lines."""
        return Lines(self.grammar, self.paths)

    def same(self, other: "Lines") -> bool:
        """Say whether both have the same lines, in whatever order."""
        return set(self.paths) == set(other.paths)

    def typed(self, section: Path, line: str) -> Path:
        """Take a line typed in a section, and return the section in which the next one is typed; Refusal if wrong."""
        no = self.grammar.no
        view = self.grammar.view(section)
        if line.startswith(no) and not self._is_negative(view, line):
            self._take_away(section, view, line[len(no) :])
            return section
        form, found = self.grammar.form(view, line)
        if form.opens == _IDLE:
            raise Refusal(self.grammar.wrong)
        self._demand(form, found)
        path = (*section, line)
        if path not in self.paths:
            for other in tuple(self._same_setting(section, form, found)):
                del self.paths[other]
            self.paths[path] = None
        return path if form.opens else section

    def _is_negative(self, view: str, line: str) -> bool:
        try:
            return self.grammar.form(view, line)[0].negative
        except Refusal:
            return False

    def _demand(self, form: Form, found: re.Match[str]) -> None:
        if form.needs and not any(re.fullmatch(found.expand(form.needs), path[0]) for path in self.paths):
            raise Refusal(self.grammar.unmet.format(line=found[0]))

    def _same_setting(self, section: Path, form: Form, found: re.Match[str]) -> Iterator[Path]:
        if not form.key:
            return
        for path in self.paths:
            if path[:-1] == section and (other := re.fullmatch(form.line, path[-1])) is not None:
                if other.expand(form.key) == found.expand(form.key):
                    yield path
            elif path[:-1] == section and form.key == path[-1]:
                yield path

    def _take_away(self, section: Path, view: str, words: str) -> None:
        understood = False
        for form in self.grammar.forms:
            found = re.fullmatch(form.away or form.line, words) if form.view == view else None
            if found is None:
                continue
            understood = True
            for path in tuple(self._meant(section, form, found.groupdict(), words)):
                self._remove(section, form, path)
                return
        raise Refusal(self.grammar.absent if understood else self.grammar.wrong)

    def _meant(self, section: Path, form: Form, wanted: Mapping[str, str | None], words: str) -> Iterator[Path]:
        for path in self.paths:
            if path[:-1] == section and (there := re.fullmatch(form.line, path[-1])) is not None:
                agrees = all(there.groupdict().get(key) == value for key, value in wanted.items() if value is not None)
                if agrees if form.away else path[-1] == words:
                    yield path

    def _remove(self, section: Path, form: Form, path: Path) -> None:
        found = re.fullmatch(form.line, path[-1])
        assert found is not None
        swept = re.compile(found.expand(form.sweeps)) if form.sweeps else None
        left = {
            each: None
            for each in self.paths
            if each[: len(path)] != path and not (swept and each[: len(section)] == section and swept.match(each[-1]))
        }
        if dangling := next(self._dangling(left), ""):
            raise Refusal(self.grammar.unmet.format(line=dangling))
        self.paths = left

    def _dangling(self, left: Mapping[Path, None]) -> Iterator[str]:
        """Yield lines that would refer to something that is gone."""
        for path in left:
            form, found = self.grammar.form(self.grammar.view(path[:-1]), path[-1])
            if form.needs:
                needed = re.compile(found.expand(form.needs))
                if any(needed.fullmatch(each[0]) for each in self.paths) and not any(
                    needed.fullmatch(each[0]) for each in left
                ):
                    yield path[-1]


def read(grammar: Grammar, text: str, skipped: str) -> Lines:
    """Return the configuration that a text is; Refusal where the device could not have it."""
    lines = Lines(grammar)
    ignored = re.compile(skipped)
    stack: list[tuple[int, str]] = []
    for line in text.splitlines():
        if ignored.fullmatch(line):
            continue
        depth = len(line) - len(line.lstrip())
        while stack and stack[-1][0] >= depth:
            stack.pop()
        above = tuple(each for _depth, each in stack)
        try:
            grammar.form(grammar.view(above), line.strip())
        except Refusal as refusal:
            raise Refusal(str(refusal), line.strip()) from refusal
        stack.append((depth, line.strip()))
        lines.paths[(*above, line.strip())] = None
    return lines


def nested(lines: Lines) -> Iterator[Path]:
    """Yield all lines, each section followed by what stands in it, in the order of their forms."""
    children: dict[Path, list[Path]] = {}
    for path in lines.paths:
        children.setdefault(path[:-1], []).append(path)
    order = {id(form): number for number, form in enumerate(lines.grammar.forms)}

    def walk(section: Path) -> Iterator[Path]:
        view = lines.grammar.view(section)
        for path in sorted(children.get(section, ()), key=lambda each: place(view, each[-1])):
            yield path
            yield from walk(path)

    def place(view: str, line: str) -> tuple[int, str]:
        number = order.get(id(lines.grammar.form(view, line)[0]))
        # Lines that nobody understands stay in their order.
        return (len(order), "") if number is None else (number, line)

    return walk(())
