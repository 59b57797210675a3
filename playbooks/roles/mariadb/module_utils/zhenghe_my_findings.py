"""What forbids the move of a server as it is, and what people have to know of it: asked before anything is changed."""

# ruff: noqa: S608, ISC004 - the statements are put together from the texts of this file alone

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible.module_utils import zhenghe_my_accounts as accounts
from ansible.module_utils.zhenghe_my_place import PORT, SYSTEM, Place, known, rows, text, value

OLDEST = (10, 5)
NEWEST = (10, 11)
_ENGINES = "'InnoDB', 'MyISAM', 'Aria', 'MEMORY', 'CSV', 'ARCHIVE', 'MRG_MyISAM', 'BLACKHOLE', 'SEQUENCE'"
_TABLES = f"FROM information_schema.tables WHERE table_schema NOT IN ({SYSTEM}) AND table_type NOT LIKE '%%VIEW'"
_NAME = "CONCAT(table_schema, '.', table_name)"
# (question, what its answer means and what to do); a question answers with the names of what is in the way.
_REFUSED = (
    (
        f"SELECT CONCAT({_NAME}, ' (', engine, ')') {_TABLES} AND engine NOT IN ({_ENGINES})",
        "tables of engines that do not come along: {names}: ALTER TABLE ... ENGINE = InnoDB, or drop them",
    ),
    (
        f"SELECT {_NAME} {_TABLES} AND engine IS NULL AND table_type = 'BASE TABLE'",
        "tables that the server cannot open: {names}: repair or drop them",
    ),
    (
        "SELECT 'Galera' FROM DUAL WHERE @@GLOBAL.wsrep_on",
        "the server is one of a cluster ({names}): take it out of the cluster first",
    ),
    (
        "SELECT plugin_name FROM information_schema.plugins WHERE plugin_type = 'ENCRYPTION' "
        "AND plugin_status = 'ACTIVE'",
        "tables may be encrypted ({names}), and keys do not come along: decrypt them and remove the plugin first",
    ),
    (
        "SELECT name FROM mysql.func",
        "functions in libraries of their own: {names}: DROP FUNCTION each, or have the library on the target first",
    ),
    (
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'sys' AND NOT EXISTS "
        "(SELECT * FROM information_schema.tables WHERE table_schema = 'sys' AND table_name = 'version')",
        "a database {names}: newer servers keep views of their own in it; rename it first",
    ),
    (
        "SELECT 'read_only' FROM DUAL WHERE @@GLOBAL.read_only",
        "the server takes no writes ({names}): turn that off, in its option files too, or move the server it copies",
    ),
    (
        "SELECT SUBSTRING(schema_name, 10) FROM information_schema.schemata WHERE schema_name LIKE '#mysql50#%%' "
        "AND schema_name <> '#mysql50#lost+found'",
        "folders among the server's data that are no databases: {names}: move them elsewhere, they do not come along",
    ),
    (
        "SELECT @@GLOBAL.innodb_data_file_path FROM DUAL WHERE @@GLOBAL.innodb_data_file_path LIKE '%%/%%'",
        "InnoDB's own files lie outside of the server's folder ({names}): they do not come along",
    ),
    (
        "SELECT @@GLOBAL.innodb_compression_algorithm FROM DUAL WHERE @@GLOBAL.innodb_compression_algorithm NOT IN "
        f"('none', 'zlib') AND EXISTS (SELECT * {_TABLES} AND create_options LIKE '%%page_compressed%%')",
        "tables with pages compressed by {names}, which newer servers leave to packages of their own: ALTER TABLE ... "
        "PAGE_COMPRESSED = 0 first",
    ),
)
_TOLD = (
    (
        f"SELECT {_NAME} {_TABLES} AND engine = 'MEMORY'",
        "tables in memory: {names}: their definition comes along, their rows do not",
    ),
    (
        f"SELECT {_NAME} {_TABLES} AND engine IN ('MyISAM', 'Aria', 'CSV', 'ARCHIVE') AND data_length > 1073741824",
        "tables of more than 1 GiB that know no transactions: {names}: writes to them wait while they are copied",
    ),
    (
        "SELECT CONCAT(user, '@', SUBSTRING_INDEX(host, ':', 1)) FROM information_schema.processlist "
        "WHERE command = 'Binlog Dump' AND user NOT LIKE 'zhenghe\\_%%'",
        "servers that follow this one: {names}: set them up anew behind the target after the move",
    ),
    (
        "SELECT CONCAT(User, '@', Host) FROM mysql.global_priv WHERE JSON_VALUE(Priv, '$.plugin') = 'unix_socket' "
        "AND JSON_VALUE(Priv, '$.auth_or') IS NULL AND User NOT IN ('root', 'mysql')",
        "accounts that come in by the socket of the server's own host alone: {names}: their clients have to run there",
    ),
)
_DEFINERS = (
    f"SELECT DISTINCT definer FROM information_schema.views WHERE table_schema NOT IN ({SYSTEM})",
    f"SELECT DISTINCT definer FROM information_schema.triggers WHERE trigger_schema NOT IN ({SYSTEM})",
    f"SELECT DISTINCT definer FROM mysql.proc WHERE CAST(db AS CHAR) NOT IN ({SYSTEM})",
    f"SELECT DISTINCT CAST(definer AS CHAR) FROM mysql.event WHERE CAST(db AS CHAR) NOT IN ({SYSTEM})",
)
MOST = 20


def version_of(connection: Any) -> tuple[str, tuple[int, int]]:
    """Return a server's version as it says it, and its two first numbers; (0, 0) where it is no MariaDB."""
    said = text(value(connection, "SELECT VERSION()"))
    found = re.match(r"(\d+)\.(\d+)", said)
    if found is None or "MariaDB" not in said:
        return said, (0, 0)
    return said, (int(found[1]), int(found[2]))


def refused(place: Place, connection: Any) -> list[str]:
    """Say what forbids the move, all of it, each with what to do."""
    said, version = version_of(connection)
    if not OLDEST <= version <= NEWEST:
        return [
            f"the server is {said}: MariaDB {'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))} can be moved"
        ]
    found = [
        *_named(connection, _REFUSED),
        *_elsewhere(connection),
        *_left_out_of_log(connection),
        *_followed(connection),
        *_listening(place, connection),
    ]
    if known(connection) or not _schema_of_others(connection):
        return found
    return [*found, "there is a schema zhenghe that is not ours: rename it, the move uses this name"]


def told(connection: Any, base: str) -> list[str]:
    """Say what people have to know, which nothing is refused for."""
    return [*_named(connection, _TOLD), *_without_account(connection), *_above_fences(connection, base)]


def _named(connection: Any, questions: Any) -> list[str]:
    found = []
    for question, words in questions:
        names = [text(name) for (name, *_) in rows(connection, question.replace("%%", "%"))]
        if names:
            found.append(words.format(names=_few(names)))
    return found


def _few(names: list[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def _schema_of_others(connection: Any) -> bool:
    return bool(rows(connection, "SELECT 1 FROM information_schema.schemata WHERE schema_name = 'zhenghe'"))


def _followed(connection: Any) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW ALL SLAVES STATUS")
        names = [one[0] for one in cursor.description]
        found = [dict(zip(names, map(text, one))) for one in cursor.fetchall()]
    others = [one["Master_Host"] for one in found if one["Connection_name"] != "zhenghe"]
    if others:
        return [f"the server follows others: {_few(others)}: STOP SLAVE and RESET SLAVE ALL first"]
    prepared = rows(connection, "XA RECOVER")
    names = [text(one[-1]) for one in prepared]
    return [f"prepared transactions: {_few(names)}: XA COMMIT or XA ROLLBACK each"] if names else []


def _elsewhere(connection: Any) -> list[str]:
    """Name the tables whose files do not lie in the server's own folder: the copy would not have them."""
    data = Path(text(value(connection, "SELECT @@GLOBAL.datadir")))
    inside = (one for folder in (data, *(one for one in data.glob("*") if one.is_dir())) for one in folder.glob("*"))
    found = sorted(str(one.relative_to(data)) for one in inside if one.suffix == ".isl" or one.is_symlink())
    words = "files that are links to places outside of the server's folder: {names}: bring their tables back into it"
    return [words.format(names=_few(found))] if found else []


def _left_out_of_log(connection: Any) -> list[str]:
    found = rows(connection, "SHOW MASTER STATUS")
    filters = [text(one) for row in found for one in row[2:4] if text(one)]
    words = "the binary log leaves databases out ({names}): take binlog_do_db and binlog_ignore_db out of its options"
    return [words.format(names=_few(filters))] if filters else []


def _listening(place: Place, connection: Any) -> list[str]:
    listens = text(value(connection, "SELECT @@GLOBAL.bind_address")) or "*"
    port = int(value(connection, "SELECT @@GLOBAL.port"))
    if value(connection, "SELECT @@GLOBAL.skip_networking") or listens in ("127.0.0.1", "localhost", "::1"):
        return [f"the server listens at {listens} only: give it bind-address = {place.address} in a window of its own"]
    if port != (place.port if place.end == "source" else PORT):
        return [f"the server listens at port {port}: correct the component's settings.port"]
    return []


def _without_account(connection: Any) -> list[str]:
    there = {
        f"{text(user)}@{text(host)}" for user, host in rows(connection, "SELECT User, Host FROM mysql.global_priv")
    }
    named = {text(one) for question in _DEFINERS for (one,) in rows(connection, question)}
    gone = sorted(named - there)
    return [f"definers that have no account: {_few(gone)}: what they defined fails, there as here"] if gone else []


_SUPER = 1 << 15


def _above_fences(connection: Any, base: str) -> list[str]:
    found = [
        f"{user}@{host}"
        for (user, host), kept in accounts.of_department(connection, base).items()
        if int(kept.get("access", 0)) & _SUPER
    ]
    words = "accounts that may do anything: {names}: locked at the end that waits, for no other fence holds them"
    return [words.format(names=_few(found))] if found else []
