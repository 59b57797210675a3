"""What defines the database and changed after the copy, brought over at the gate.

Each definition is the text of the source's own server, and is run here as the role that owns the object, which no
function of that role leaves: what its owner may not do is not done. What is not taken stays as it is, and is told as a
difference afterwards. What would run with all rights for rows that follow is put to sleep in the same transaction. Rows
of tables whose columns were changed are compared afterwards, and copied anew where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ansible.module_utils.zhenghe_pg_asleep import forgetting, sleeping
from ansible.module_utils.zhenghe_pg_guard import done_by
from ansible.module_utils.zhenghe_pg_place import rows
from ansible.module_utils.zhenghe_pg_statements import (
    ANEW,
    COLUMNS,
    DOMAINS,
    ENUMS,
    FAMILIES,
    LOOSER,
    NAMES,
    REPLACED,
    STATEMENTS,
)
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

_LOOSE = "SET LOCAL check_function_bodies = off"
"""A function may name what comes after it, as in a dump."""
_ALTERED = ("types", "columns")
"""Kinds of which one that changed is altered, never made anew: rows are of it."""


class Defined(NamedTuple):
    """An object: the role that makes it, what makes it, and what drops it; without a role, whoever runs the move."""

    owner: str
    make: str
    drop: str


class Definitions:
    """Brings definitions from one end of a database to the other, which follows it."""

    def __init__(
        self, here: Any, there: Any, database: str, settled: Callable[[], bool], refused: Callable[[], str]
    ) -> None:
        self._here, self._there, self._database = here, there, database
        self._settled = settled
        """Says whether everything is here that was written before the definitions were read."""
        self._refused = refused
        """Says in the server's words which rows are not taken here."""
        self._joined: set[str] = set()

    def bring(self, different: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Bring over what differs, by kind and name as a comparison tells it; return what was brought."""
        left = [one for one in different if one[0] in STATEMENTS]
        brought: list[tuple[str, str]] = []
        # One may need another: whatever is not taken is tried again as long as another one was.
        while left:
            taken = [one for kind in STATEMENTS for one in self._taken(kind, [of for what, of in left if what == kind])]
            brought += taken
            left = [one for one in left if one not in taken]
            if not taken:
                break
        return brought

    def _taken(self, kind: str, names: list[str]) -> list[tuple[str, str]]:
        if not names:
            return []
        beforehand = {"columns": self._columns_renamed, "relations": self._belong_together}.get(kind)
        known, waiting = beforehand() if beforehand else ([], [])
        names = [name for name in names if name not in (*known, *waiting)]
        theirs, ours = (_read(end, STATEMENTS[kind]) for end in (self._there, self._here))
        # Columns come in their order.
        names = [*(name for name in theirs if name in names), *(name for name in names if name not in theirs)]
        made = [name for name in names if self._made(kind, theirs.get(name), ours.get(name), name)]
        altered = {"types": self._type_altered, "columns": self._column_altered}.get(kind)
        if altered:
            made += [name for name in names if name not in made and name in theirs and altered(name)]
        return [(kind, name) for name in (*known, *made)]

    def _made(self, kind: str, wanted: Defined | None, present: Defined | None, name: str) -> bool:
        if wanted is None:
            return present is not None and self._gone(kind, present, name)
        if kind in _ALTERED and present is not None:
            return False
        forgotten = name if kind == "functions" else ""
        if present is None or kind not in (*ANEW, *REPLACED):
            return self._done(wanted.owner, [wanted.make], forgotten)
        if kind == "constraints" and not self._settled():
            # Rows that the source takes without it may be kept back by it, and the new one by rows that come later.
            return self._done(present.owner, [present.drop]) and self._done(wanted.owner, [wanted.make])
        ways = [[present.drop, wanted.make]] if kind in ANEW else [[wanted.make], [present.drop, wanted.make]]
        return any(self._done(wanted.owner, steps, forgotten) for steps in ways)

    def _gone(self, kind: str, present: Defined, name: str) -> bool:
        """Drop what the other end has no more, as long as no row under way may need it."""
        if not present.drop or (kind == "columns" and self._still_comes(name, present.owner)):
            return False
        return self._done(present.owner, [present.drop])

    def _done(self, owner: str, steps: list[str], function: str = "") -> bool:
        """Run statements as a role, whole or not at all; an index or a check runs its functions as that role, too."""
        try:
            rows(self._here, "BEGIN")
            rows(self._here, _LOOSE)
            done_by(self._here, owner, [_literally(step) for step in steps])
            for statement in forgetting(self._here, self._database, function) if function else ():
                rows(self._here, statement)
            for statement in sleeping(self._here, self._database):
                rows(self._here, statement)
            rows(self._here, "COMMIT")
        except Error:
            rows(self._here, "ROLLBACK")
            return False
        return True

    def _type_altered(self, name: str) -> bool:
        """Give a type the labels, the default and the NOT NULL of the other end; rows keep what they have."""
        theirs, ours = (dict(rows(end, ENUMS)) for end in (self._there, self._here))
        if name in theirs and name in ours:
            steps = relabelled(theirs[name], ours[name])
            return bool(steps) and all(self._done("", [_label_statement(self._here, name, step)]) for step in steps)
        domains = dict(rows(self._there, DOMAINS))
        return name in domains and name in dict(rows(self._here, DOMAINS)) and self._done("", [domains[name]])

    def _still_comes(self, column: str, owner: str) -> bool:
        """Say whether rows under way may have a column that the other end has dropped; those after them lack it."""
        if self._settled():
            return False
        loose = dict(rows(self._here, LOOSER)).get(column)
        if loose:
            self._done(owner, [loose])
        return True

    def _columns_renamed(self) -> tuple[list[str], list[str]]:
        """Give columns of the same place and type the names of the other end; return both names of what is done.

        The second list is what waits: rows under way may bear the old name until one that bears the new one is refused
        here. One that was dropped while another one took its place looks the same, so rows are compared afterwards.
        """
        theirs, ours = (rows(end, NAMES) for end in (self._there, self._here))
        here = {(table, place): (name, kind) for table, name, kind, place, *_ in ours}
        known = {row[:2] for row in theirs}, {row[:2] for row in ours}
        done: list[str] = []
        waiting: list[str] = []
        for table, name, kind, place, owner, told in theirs:
            old, of = here.get((table, place), (name, ""))
            if of != kind or (table, name) in known[1] or (table, old) in known[0]:
                continue
            ready = self._settled() or all(word in self._refused() for word in told)
            renamed = ready and self._done(owner, [f"ALTER TABLE {table} RENAME {old} TO {name}"])
            (done if renamed else waiting).extend((f"{table}.{name}", f"{table}.{old}"))
        return done, waiting

    def _belong_together(self) -> tuple[list[str], list[str]]:
        """Take tables out of those that they belong to no more at the other end, and put them into theirs."""
        theirs, ours = ({row[:3]: row for row in rows(end, FAMILIES)} for end in (self._there, self._here))
        steps = [(row[0], row[3], row[5]) for key, row in ours.items() if key not in theirs]
        steps += [(row[0], row[3], row[4]) for key, row in theirs.items() if key not in ours]
        # Two versions may write a range in two ways: nothing is done twice.
        steps = [one for one in steps if one[2] not in self._joined]
        self._joined |= {step for _, _, step in steps}
        return [child for child, owner, step in steps if self._done(owner, [step])], []

    def _column_altered(self, name: str) -> bool:
        """Give a column the other end's type, NOT NULL, storage, statistics, and what fills it."""
        theirs, ours = ({row[0]: row[1:] for row in rows(end, COLUMNS)} for end in (self._there, self._here))
        if name not in ours or name not in theirs or ours[name] == theirs[name]:
            return False
        kind, owner, change, filled, fill, convert, blank = theirs[name]
        if kind != ours[name][0]:
            # Rows are compared afterwards: where the source converted them in another way they are copied anew.
            return self._done(owner, [convert]) or (self._settled() and self._done(owner, [blank]))
        return self._done(owner, [change] if filled == ours[name][3] else [fill, change])


def relabelled(wanted: list[str], present: list[str]) -> list[tuple[str, str, str]]:
    """Return how labels become what they are elsewhere: (verb, label, neighbour); nothing where no way is certain."""
    if [label for label in wanted if label in present] == present:
        return _added(wanted, present)
    pairs = [(new, old) for new, old in zip(wanted, present) if new != old]
    certain = len(wanted) == len(present) and not any(new in present or old in wanted for new, old in pairs)
    return [("RENAME", new, old) for new, old in pairs] if certain else []


def _added(wanted: list[str], present: list[str]) -> list[tuple[str, str, str]]:
    steps, have = [], set(present)
    for index, label in enumerate(wanted):
        if label not in have:
            before = next((one for one in wanted[index + 1 :] if one in have), "")
            steps.append(("AFTER", label, wanted[index - 1]) if index else ("BEFORE", label, before))
            have.add(label)
    return steps


def _label_statement(connection: Any, name: str, step: tuple[str, str, str]) -> str:
    verb = step[0]
    label, other = (str(sql.Literal(part).as_string(connection)) for part in step[1:])
    if verb == "RENAME":
        return f"ALTER TYPE {name} RENAME VALUE {other} TO {label}"
    return f"ALTER TYPE {name} ADD VALUE {label}" + (f" {verb} {other}" if step[2] else "")


def _literally(text: str) -> str:
    return text.rstrip().rstrip(";")


def _read(connection: Any, question: str) -> dict[str, Defined]:
    return {str(name): Defined(*map(str, texts[:3])) for name, *texts in rows(connection, question)}
