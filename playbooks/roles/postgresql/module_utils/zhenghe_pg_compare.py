"""Verify: the end that follows is compared with the end that serves, while that one is being written to.

Rows are compared as the md5 of their text, which PostgreSQL writes the same way in every version under the settings
below. A table's checksum is the sum of them: it does not depend on the rows' order. Where the sums differ, the rows'
own hashes are compared, in rounds. A round reads the serving end in one snapshot, waits until the follower has a mark
that was written after that snapshot, and reads the follower. A row that was only on its way is equal in the next round,
or has another hash there; so what is missing or surplus under the same hash in every round is a real difference.
Without one the ends are equal, however much is written.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from ansible.module_utils import zhenghe_pg_large as large
from ansible.module_utils import zhenghe_pg_schema as schema
from ansible.module_utils import zhenghe_pg_sequences as sequences
from ansible.module_utils import zhenghe_pg_stream as stream
from ansible.module_utils.zhenghe_pg_log import why_not
from ansible.module_utils.zhenghe_pg_place import Place, rows
from psycopg2 import sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused

_SAME_TEXT = """
SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';
SET extra_float_digits = 3; SET lc_monetary = 'C'; SET xmloption = 'content'; SET row_security = off
"""
# Owners' functions that the planner runs change nothing in it, and learn nothing (`zhenghe_pg_own.py`).
_ONE_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Columns are written by their types' own output functions: a cast to text may be a function of the table's owner.
_HASH = "('x' || left(md5(textin(record_out(zhenghe_row.*))), 16))::bit(64)::bigint"
_SUM = f"SELECT count(*), coalesce(sum({_HASH}::numeric), 0)::text FROM ONLY {{}}.{{}} AS zhenghe_row"  # noqa: S608
_EACH = f"SELECT {_HASH} FROM ONLY {{}}.{{}} AS zhenghe_row"  # noqa: S608

_KIND = """
SELECT {columns} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^(pg_|information_schema$|zhenghe$)' AND {kinds} ORDER BY 1
"""
COMPARED = _KIND.format(columns="n.nspname, c.relname", kinds="c.relkind = 'r' AND c.relpersistence = 'p'")
NOT_COMPARED = _KIND.format(
    columns="format('%I.%I', n.nspname, c.relname)",
    kinds="(c.relkind IN ('m', 'f') OR c.relkind = 'r' AND c.relpersistence <> 'p')",
)

Table = tuple[str, str]


class Behind(Exception):
    """The end that follows does not take what is written at the other one."""


class Ends:
    """The two ends, as the one that follows sees them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.here = place.connect(place.database)
        self.there = place.connect_peer()
        for connection in (self.here, self.there):
            rows(connection, _SAME_TEXT)

    def sums(self, connection: Any, tables: list[Table]) -> dict[Table, tuple[int, str]]:
        """Return rows and checksum of each table, all in one snapshot."""
        rows(connection, _ONE_SNAPSHOT)
        try:
            return {one: _read(connection, _SUM, one)[0] for one in tables}
        finally:
            rows(connection, "COMMIT")

    def catch_up(self, seconds: float = 30) -> None:
        """Wait until everything that the serving end has committed by now is applied here."""
        if not stream.keeps_up(self._place, self.here, self.there, "verify", seconds):
            raise Behind

    def differing(self, table: Table) -> Counter[int]:
        """Return the hashes of rows that one end has more often than the other, in one round."""
        served = Counter(row[0] for row in self._each(self.there, table))
        self.catch_up()
        served.subtract(Counter(row[0] for row in self._each(self.here, table)))
        return Counter({row: number for row, number in served.items() if number})

    @staticmethod
    def _each(connection: Any, table: Table) -> list[tuple[Any, ...]]:
        rows(connection, _ONE_SNAPSHOT)
        try:
            return _read(connection, _EACH, table)
        finally:
            rows(connection, "COMMIT")


def _of(statement: str, table: Table) -> Any:
    return sql.SQL(statement).format(sql.Identifier(table[0]), sql.Identifier(table[1]))


def _read(connection: Any, statement: str, table: Table) -> list[tuple[Any, ...]]:
    # Once it is locked, nobody can put a view of the same name, and its functions, in the table's place.
    rows(connection, _of("LOCK TABLE ONLY {}.{} IN ACCESS SHARE MODE", table))
    kind = "SELECT 1 FROM pg_class WHERE oid = to_regclass(format('%%I.%%I', %s, %s)) AND relkind = 'r'"
    if not rows(connection, kind, table):
        raise Refused(f"{table[0]}.{table[1]} is no table any more", "compare once more when nobody changes the schema")
    return rows(connection, _of(statement, table))


def _lasting(ends: Ends, table: Table) -> int:
    """Return how many rows really differ: those that differ in the same way in three rounds."""
    suspects = ends.differing(table)
    for _ in range(2):
        if not suspects:
            return 0
        again = ends.differing(table)
        suspects = Counter({row: number for row, number in suspects.items() if again[row] * number > 0})
    # A row that was changed is surplus here under one hash, and missing under another.
    return max(
        sum(number for number in suspects.values() if number > 0), -sum(min(number, 0) for number in suspects.values())
    )


# A sequence may belong to a column of letters, which says nothing of its numbers.
_OWNED = """
SELECT format('%I.%I', sn.nspname, s.relname), sn.nspname, s.relname, tn.nspname, t.relname, a.attname,
       (SELECT seqincrement FROM pg_sequence WHERE seqrelid = s.oid)
FROM pg_class s JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
JOIN pg_type y ON y.oid = a.atttypid
WHERE s.relkind = 'S' AND sn.nspname !~ '^pg_' AND coalesce(nullif(y.typbasetype, 0), y.oid) IN (20, 21, 23, 1700)
"""

# One that cycles comes back to its beginning.
_STEPS = """
SELECT n.nspname, c.relname, seqincrement FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT seqcycle
"""


def _sequences_behind(ends: Ends) -> list[str]:
    """Say which sequences would give a number that is taken, or one that the follower gave already."""
    found = []
    for name, schema_name, sequence, *owner, increment in rows(ends.there, _OWNED):
        column = sql.Identifier(owner[2])
        pick = sql.SQL("max" if increment > 0 else "min")
        question = sql.SQL("SELECT (SELECT last_value FROM {}.{}), (SELECT {}({}) FROM {}.{})").format(
            sql.Identifier(schema_name), sql.Identifier(sequence), pick, column, *map(sql.Identifier, owner[:2])
        )
        rows(ends.there, _ONE_SNAPSHOT)
        # The column first: the sequence can only be further by the time it is read.
        last, most = rows(ends.there, question)[0]
        rows(ends.there, "COMMIT")
        before, highest = rows(ends.here, question)[0]
        # Whoever gives numbers by hand has columns beyond their sequences: at the end that follows it was so before.
        by_hand = highest is not None and (highest - before) * increment > 0
        if most is not None and (most - last) * increment > 0 and not by_hand:
            found.append(f"sequence {name} is at {last}, its column at {most}")
    now = {row[:2]: row[2] for row in sequences.read(ends.there, sequences.uncalled(ends.there))}
    steps = {row[:2]: row[2] for row in rows(ends.here, _STEPS)}
    for *names, last, _ in sequences.read(ends.here, sequences.uncalled(ends.here)):
        one = (names[0], names[1])
        if one in now and one in steps and (last - now[one]) * steps[one] > 0:
            found.append(f"sequence {one[0]}.{one[1]} was at {last} and is at {now[one]}")
    return found


def _large_objects(ends: Ends) -> list[str]:
    """Say which large objects differ though they were brought, twice: one may be written at any moment."""
    found: list[str] = []
    for _ in range(2):
        large.bring(ends.here, ends.there, stream.FIRST_OBJECTS)
        found = large.different(ends.here, ends.there)
        if not found:
            break
    return [f"{one} differs" for one in found]


def compare(place: Place) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return every difference, and the rows and the checksum of each table."""
    ends = Ends(place)
    try:
        ends.catch_up()
        return _compared(place, ends)
    except Behind:
        here, there = place.hosts if place.end == "source" else place.hosts[::-1]
        why = why_not(ends.here, place.base)
        broken = f"{here} does not take what is written on {there}: the way back is broken{why}"
        return (broken, *_defined_differently(place, ends)), {}


def _defined_differently(place: Place, ends: Ends) -> tuple[str, ...]:
    ordered = (ends.there, ends.here) if place.end == "target" else (ends.here, ends.there)
    return schema.Comparison(place, *ordered).differences()


def different_rows(ends: Ends, tables: list[Table]) -> tuple[dict[Table, int], dict[Table, tuple[int, str]]]:
    """Return how many rows of each table really differ, and the serving end's rows and checksums of all."""
    served = ends.sums(ends.there, tables)
    ends.catch_up()
    followed = ends.sums(ends.here, tables)
    unequal = [table for table in tables if served[table] != followed[table]]
    lasting = {table: _lasting(ends, table) for table in unequal}
    return {table: number for table, number in lasting.items() if number}, served


def _compared(place: Place, ends: Ends) -> tuple[tuple[str, ...], dict[str, Any]]:
    began = time.monotonic()
    both = {(one, two) for one, two in rows(ends.here, COMPARED)}
    tables: list[Table] = [(one, two) for one, two in rows(ends.there, COMPARED) if (one, two) in both]
    found = list(_defined_differently(place, ends))
    differ, served = different_rows(ends, tables)
    found += [f"table {schema_name}.{table}: {number} rows differ" for (schema_name, table), number in differ.items()]
    found += _sequences_behind(ends)
    found += _large_objects(ends)
    facts = {
        "tables": [
            {"table": f"{one}.{two}", "rows": served[one, two][0], "checksum": served[one, two][1]}
            for one, two in tables
        ],
        "rows": sum(count for count, _ in served.values()),
        # Their rows follow from those of tables, or stand at one end alone.
        "not_compared": [name for (name,) in rows(ends.there, NOT_COMPARED)],
        "seconds": round(time.monotonic() - began, 2),
    }
    return tuple(found), facts
