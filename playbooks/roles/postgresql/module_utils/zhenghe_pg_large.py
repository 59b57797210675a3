"""Large objects, which logical replication leaves behind: brought by their numbers, with owners, rights and comments.

The end that serves says of each object in which state it is, from the numbers of the transactions that wrote its pages;
nobody's content is read for that. The end that follows keeps in zhenghe.large the states that it has brought, so that a
pass carries what was changed since the last one. In the pause the source itself hands over what was changed since it
was looked at before.
"""

# ruff: noqa: S608 - the statements are put together from the texts of this file alone

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible.module_utils.zhenghe_pg_place import in_one, rows, value
from psycopg2 import Binary, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

from playbooks.agents.kit import Refused

PART = 1 << 20
"""Bytes of an object that are read and written at once."""
TOGETHER = 16 << 20
"""Bytes of objects that are brought in one transaction."""
MANY = 200
"""Objects that are brought in one transaction: each takes a lock."""
IN_A_PAUSE = 32 << 20
"""Bytes that a source hands over in a pause at most."""

LISTING = """
SELECT m.oid, coalesce(p.pages, 0) * 2048, r.rolname,
       (SELECT json_agg(json_build_array(coalesce(g.rolname, ''), a.privilege_type, a.is_grantable)
                        ORDER BY g.rolname, a.privilege_type)
        FROM aclexplode(m.lomacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee WHERE a.grantee <> m.lomowner),
       obj_description(m.oid, 'pg_largeobject'),
       concat_ws(' ', m.xmin, p.state, obj_description(m.oid, 'pg_largeobject'))
FROM pg_largeobject_metadata m JOIN pg_roles r ON r.oid = m.lomowner
LEFT JOIN (SELECT loid, max(pageno) + 1 AS pages, md5(string_agg(pageno || ':' || xmin, ',' ORDER BY pageno)) AS state
           FROM pg_largeobject GROUP BY loid) p ON p.loid = m.oid
"""
# Other ends read objects by these functions alone, whoever owns the objects; nothing of the owner's runs in them.
FUNCTIONS = (
    """
CREATE TABLE IF NOT EXISTS zhenghe.large (id oid PRIMARY KEY, state text NOT NULL);
CREATE OR REPLACE FUNCTION zhenghe.large_objects()
    RETURNS TABLE (id oid, bytes bigint, owner name, rights json, note text, state text)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
    AS $$"""
    + LISTING
    + """$$;
CREATE OR REPLACE FUNCTION zhenghe.large_parts(ids oid[], first integer, last integer)
    RETURNS TABLE (id oid, at bigint, part bytea)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
    AS $$
SELECT p.loid, n * 1048576::bigint, lo_get(p.loid, n * 1048576::bigint, 1048576)
FROM (SELECT loid, max(pageno) / 512 AS most FROM pg_largeobject WHERE loid = ANY(ids) GROUP BY loid) p,
     LATERAL generate_series(first, least(most, last)) n
    $$;
CREATE OR REPLACE FUNCTION zhenghe.large_digests() RETURNS TABLE (id oid, digest text)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
    AS $$
SELECT m.oid, md5(string_agg(md5(lo_get(m.oid, n * 1048576::bigint, 1048576)), '' ORDER BY n))
FROM pg_largeobject_metadata m LEFT JOIN (SELECT loid, max(pageno) / 512 AS most FROM pg_largeobject GROUP BY loid) p
     ON p.loid = m.oid, LATERAL generate_series(0, coalesce(most, 0)) n GROUP BY 1
    $$;
REVOKE ALL ON FUNCTION zhenghe.large_objects(), zhenghe.large_digests(),
    zhenghe.large_parts(oid[], integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zhenghe.large_objects(), zhenghe.large_digests(),
    zhenghe.large_parts(oid[], integer, integer) TO {role}
"""
)
LEAVE = """
DROP FUNCTION IF EXISTS zhenghe.large_objects(), zhenghe.large_digests(),
    zhenghe.large_parts(oid[], integer, integer);
DROP TABLE IF EXISTS zhenghe.large
"""
_PRIVILEGES = ("SELECT", "UPDATE")


class Large(NamedTuple):
    """One large object: its number, its bytes at most, who may do what, and the state in which it is."""

    id: int
    bytes: int
    owner: str
    rights: Sequence[Sequence[Any]] | None
    note: str | None
    state: str


def listed(connection: Any) -> dict[int, Large]:
    """Return the large objects of an end by their numbers."""
    return {int(row[0]): Large(*row) for row in rows(connection, "SELECT * FROM zhenghe.large_objects()")}


def bring(here: Any, there: Any, limit: float) -> dict[str, Any]:
    """Make the objects here what they are there, within so many seconds; return how many, their bytes and seconds."""
    began = time.monotonic()
    theirs = listed(there)
    kept = dict(rows(here, "SELECT id::bigint, state FROM zhenghe.large"))
    _drop(here, _known(here) - set(theirs))
    if set(theirs) - set(kept):
        kept |= _equal(here, there, theirs, kept)
    changed = [one for number, one in sorted(theirs.items()) if kept.get(number) != one.state]
    for batch in _batches(changed):
        if time.monotonic() - began > limit:
            raise Refused(
                f"large objects: {len(changed)} were to be brought, and {limit:g} s have passed",
                "run the step again: what was brought stays; or raise limits.catch_up",
            )
        _bring_batch(here, there, batch)
    return {
        "objects": len(theirs), "bytes": sum(one.bytes for one in theirs.values()), "brought": len(changed),
        "seconds": round(time.monotonic() - began, 2),
    }  # fmt: skip


def different(here: Any, there: Any) -> list[str]:
    """Say which objects are not the same at both ends, by content, owner, rights and comment."""
    first, second = (dict(rows(end, "SELECT id::bigint, digest FROM zhenghe.large_digests()")) for end in (there, here))
    theirs, ours = listed(there), listed(here)
    return [
        f"large object {number}"
        for number in sorted({*first, *second})
        if first.get(number) != second.get(number) or _told(theirs.get(number)) != _told(ours.get(number))
    ]


def _told(one: Large | None) -> Any:
    return None if one is None else (one.owner, one.rights or None, one.note)


def handed_over(here: Any, before: Mapping[int, Large]) -> dict[str, Any]:
    """Return what was changed here since it was listed, for a target that cannot come and fetch it; Refused if much."""
    now = listed(here)
    changed = [one for number, one in now.items() if number not in before or before[number].state != one.state]
    size = sum(one.bytes for one in changed)
    if size > IN_A_PAUSE:
        raise Refused(
            f"{len(changed)} large objects of {size >> 20} MiB were written in the last moments before the pause",
            "move at a quieter hour; clients stay where they are",
        )
    parts: list[list[Any]] = []
    if changed:
        question = "SELECT * FROM zhenghe.large_parts(%s::oid[], 0, %s)"
        found = rows(here, question, ([one.id for one in changed], IN_A_PAUSE // PART))
        parts = [[number, at, base64.b64encode(bytes(part)).decode()] for number, at, part in found]
    return {"objects": [list(one) for one in changed], "parts": parts, "gone": sorted(set(before) - set(now))}


def take(here: Any, given: Mapping[str, Any]) -> int:
    """Make here what was handed over; return how many objects that were."""
    objects = [Large(*one) for one in given["objects"]]
    _drop(here, set(given["gone"]) & _known(here))
    if objects:
        _make(here, objects, [(number, at, base64.b64decode(part)) for number, at, part in given["parts"]])
    return len(objects) + len(given["gone"])


def _known(here: Any) -> set[int]:
    return {int(number) for (number,) in rows(here, "SELECT oid::bigint FROM pg_largeobject_metadata")}


def _equal(here: Any, there: Any, theirs: Mapping[int, Large], kept: Mapping[int, str]) -> dict[int, str]:
    """Return the states of objects that are here, and equal, though nobody noted that they were brought."""
    present = _known(here) - set(kept)
    if not present:
        return {}
    wrong = {int(one.rpartition(" ")[2]) for one in different(here, there)}
    same = {number: theirs[number].state for number in present & set(theirs) if number not in wrong}
    _note(here, same)
    return same


def _note(here: Any, states: Mapping[int, str]) -> None:
    statement = (
        "INSERT INTO zhenghe.large SELECT * FROM unnest(%s::oid[], %s::text[]) "
        "ON CONFLICT (id) DO UPDATE SET state = EXCLUDED.state"
    )
    rows(here, statement, (list(states), list(states.values())))


def _batches(objects: Iterable[Large]) -> Iterable[list[Large]]:
    batch: list[Large] = []
    for one in objects:
        if batch and (len(batch) == MANY or sum(each.bytes for each in batch) + one.bytes > TOGETHER):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _bring_batch(here: Any, there: Any, batch: list[Large]) -> None:
    numbers, most = [one.id for one in batch], max(one.bytes for one in batch) // PART
    question, step = "SELECT * FROM zhenghe.large_parts(%s::oid[], %s, %s)", TOGETHER // PART
    _make(here, batch, rows(there, question, (numbers, 0, step - 1)))
    for first in range(step, most + 1, step):
        _put(here, rows(there, question, (numbers, first, first + step - 1)))
    _note(here, {one.id: one.state for one in batch})


def _make(here: Any, objects: Sequence[Large], parts: Sequence[tuple[int, int, Any]]) -> None:
    numbers = [one.id for one in objects]
    made: list[Any] = [
        sql.SQL("SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE oid = ANY({}::oid[])").format(
            sql.Literal(numbers)
        ),
        sql.SQL("SELECT lo_create(n) FROM unnest({}::oid[]) n").format(sql.Literal(numbers)),
        sql.SQL("DELETE FROM zhenghe.large WHERE id = ANY({}::oid[])").format(sql.Literal(numbers)),
    ]
    for one in objects:
        made += _owned(one)
    in_one(here, made)
    _put(here, parts)


def _put(here: Any, parts: Sequence[tuple[int, int, Any]]) -> None:
    numbers, places = [one[0] for one in parts], [one[1] for one in parts]
    statement = "SELECT count(lo_put(n, a, p)) FROM unnest(%s::oid[], %s::bigint[], %s::bytea[]) AS t (n, a, p)"
    if parts:
        value(here, statement, (numbers, places, [Binary(bytes(one[2])) for one in parts]))


def _owned(one: Large) -> list[Any]:
    what = sql.SQL(f" LARGE OBJECT {int(one.id)} ")
    said = [sql.SQL("ALTER") + what + sql.SQL("OWNER TO {}").format(sql.Identifier(one.owner))]
    for grantee, privilege, grantable in one.rights or ():
        if privilege in _PRIVILEGES:
            whom = sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC")
            ending = sql.SQL(" WITH GRANT OPTION" if grantable else "")
            said.append(sql.SQL(f"GRANT {privilege} ON") + what + sql.SQL("TO ") + whom + ending)
    if one.note is not None:
        said.append(sql.SQL("COMMENT ON") + what + sql.SQL("IS {}").format(sql.Literal(one.note)))
    return said


def _drop(here: Any, numbers: set[int]) -> None:
    everything = sorted(numbers)
    for begin in range(0, len(everything), MANY):
        batch = everything[begin : begin + MANY]
        rows(here, "SELECT lo_unlink(n) FROM unnest(%s::oid[]) n", (batch,))
        rows(here, "DELETE FROM zhenghe.large WHERE id = ANY(%s::oid[])", (batch,))
