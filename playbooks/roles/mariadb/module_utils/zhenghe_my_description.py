"""What defines a server, object by object: the same questions at both ends, answered from the catalogue alone.

Passwords are compared by a keyed digest whose key is thrown away. Words that differ between versions and mean the same
are made the same: utf8 became utf8mb3.
"""

# ruff: noqa: S608, ISC004 - the statements are put together from the texts of this file alone

from __future__ import annotations

import hashlib
import json
import re
import secrets
from typing import Any

from ansible.module_utils.zhenghe_my_accounts import of_department, privileges
from ansible.module_utils.zhenghe_my_place import SYSTEM, rows, text

_NOT_SYSTEM = f"NOT IN ({SYSTEM})"
MOST = 200_000
"""Rows of one answer; a server with more objects is not compared."""
# kind of object, how many of the columns name it, question. The rest of the columns is what it is.
_QUESTIONS = (
    ("database", 1, "SELECT schema_name, default_character_set_name, default_collation_name "
     f"FROM information_schema.schemata WHERE schema_name {_NOT_SYSTEM}"),
    ("table", 2, "SELECT table_schema, table_name, table_type, engine, table_collation, table_comment "
     f"FROM information_schema.tables WHERE table_schema {_NOT_SYSTEM}"),
    ("column", 3, "SELECT table_schema, table_name, column_name, ordinal_position, column_default, is_nullable, "
     "column_type, character_set_name, collation_name, extra, column_comment, generation_expression "
     f"FROM information_schema.columns WHERE table_schema {_NOT_SYSTEM}"),
    ("index", 4, "SELECT table_schema, table_name, index_name, seq_in_index, non_unique, column_name, collation, "
     f"sub_part, index_type FROM information_schema.statistics WHERE table_schema {_NOT_SYSTEM}"),
    ("foreign key", 4, "SELECT k.table_schema, k.table_name, k.constraint_name, k.ordinal_position, k.column_name, "
     "k.referenced_table_schema, k.referenced_table_name, k.referenced_column_name, r.update_rule, r.delete_rule "
     "FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r "
     "ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name "
     f"AND r.table_name = k.table_name WHERE k.table_schema {_NOT_SYSTEM}"),
    ("check", 3, "SELECT constraint_schema, table_name, constraint_name, check_clause "
     f"FROM information_schema.check_constraints WHERE constraint_schema {_NOT_SYSTEM}"),
    ("partition", 4, "SELECT table_schema, table_name, partition_name, COALESCE(subpartition_name, ''), "
     "partition_method, partition_expression, partition_description FROM information_schema.partitions "
     f"WHERE table_schema {_NOT_SYSTEM} AND partition_name IS NOT NULL"),
    ("view", 2, "SELECT table_schema, table_name, view_definition, check_option, definer, security_type, "
     f"character_set_client, collation_connection FROM information_schema.views WHERE table_schema {_NOT_SYSTEM}"),
    ("trigger", 2, "CALL zhenghe.triggers()"),
    ("routine", 3, "SELECT CAST(db AS CHAR), CAST(name AS CHAR), CAST(type AS CHAR), param_list, returns, body, "
     "CAST(definer AS CHAR), CAST(sql_mode AS CHAR), CAST(security_type AS CHAR), CAST(is_deterministic AS CHAR), "
     "CAST(sql_data_access AS CHAR), comment, CAST(character_set_client AS CHAR), CAST(db_collation AS CHAR) "
     f"FROM mysql.proc WHERE CAST(db AS CHAR) {_NOT_SYSTEM}"),
    ("event", 2, "SELECT CAST(db AS CHAR), CAST(name AS CHAR), body, CAST(definer AS CHAR), execute_at, "
     "interval_value, CAST(interval_field AS CHAR), starts, ends, CAST(on_completion AS CHAR), "
     "CAST(sql_mode AS CHAR), comment, CAST(time_zone AS CHAR), CAST(character_set_client AS CHAR) "
     f"FROM mysql.event WHERE CAST(db AS CHAR) {_NOT_SYSTEM}"),
    ("rights on a database", 3, f"SELECT Host, Db, User, {{privileges}} FROM mysql.db "
     f"WHERE CAST(Db AS CHAR) {_NOT_SYSTEM}"),
    ("rights on a table", 4, "SELECT Host, Db, User, Table_name, Table_priv, Column_priv FROM mysql.tables_priv "
     f"WHERE CAST(Db AS CHAR) {_NOT_SYSTEM}"),
    ("rights on a column", 5, "SELECT Host, Db, User, Table_name, Column_name, Column_priv FROM mysql.columns_priv "
     f"WHERE CAST(Db AS CHAR) {_NOT_SYSTEM}"),
    ("rights on a routine", 5, "SELECT Host, Db, User, Routine_name, CAST(Routine_type AS CHAR), Proc_priv "
     f"FROM mysql.procs_priv WHERE CAST(Db AS CHAR) {_NOT_SYSTEM}"),
    ("membership", 3, "SELECT User, Host, Role, Admin_option FROM mysql.roles_mapping WHERE User <> 'root'"),
)  # fmt: skip
_RIGHTS = (
    "Select_priv, Insert_priv, Update_priv, Delete_priv, Create_priv, Drop_priv, Grant_priv, References_priv, "
    "Index_priv, Alter_priv, Create_tmp_table_priv, Lock_tables_priv, Create_view_priv, Show_view_priv, "
    "Create_routine_priv, Alter_routine_priv, Execute_priv, Event_priv, Trigger_priv"
)
_FORMER = re.compile(r"\butf8(?=_|\b)")
# What older servers do not know is told as a comment, whose beginning says to whom; newer ones say so in other words.
_FOR_SOME = re.compile(r"/\*M?!\d* ?(.*?) ?\*/")
_LEFT_OUT = {"password_last_changed", "version_id", "account_locked", "access"}
Described = dict[str, str]


def described(connection: Any, base: str, key: bytes) -> Described:
    """Return a digest of each object of a server, by what people call it."""
    found: Described = {}
    views: set[tuple[str, ...]] = set()
    for kind, naming, question in _QUESTIONS:
        for row in rows(connection, question.format(privileges=_RIGHTS))[:MOST]:
            words = [text(one) for one in row]
            if kind == "table" and words[2] == "VIEW":
                views.add(tuple(words[:2]))
            # Of a view without its tables each version tells other columns, and its definition is compared.
            if kind == "column" and tuple(words[:2]) in views:
                continue
            found[f"{kind} {'.'.join(words[:naming])}"] = _digest(words[naming:], key)
    return {**found, **_accounts(connection, base, key)}


def _accounts(connection: Any, base: str, key: bytes) -> Described:
    found = {}
    for (user, host), kept in of_department(connection, base).items():
        # An account of an older server may lack what any change of it writes down: nothing is said by that.
        plain = {name: one for name, one in kept.items() if one and name not in _LEFT_OUT}
        plain.setdefault("plugin", "mysql_native_password")
        found[f"account {user}@{host}"] = _digest([json.dumps(plain, sort_keys=True)], key)
        found[f"rights everywhere of {user}@{host}"] = _digest([str(_comparable(kept.get("access", 0)))], key)
    for name, kept in rows(connection, "SELECT User, Priv FROM mysql.global_priv"):
        if privileges(kept).get("is_role"):
            found[f"role {text(name)}"] = _digest([str(_comparable(privileges(kept).get("access", 0)))], key)
    return found


def _comparable(access: Any) -> int:
    """Return the rights that every version knows: newer ones divided SUPER into rights of their own."""
    return int(access) & ((1 << 29) - 1) & ~(1 << 15) if isinstance(access, int) else 0


def _digest(words: list[str], key: bytes) -> str:
    said = "\0".join(_FOR_SOME.sub(r"\1", _FORMER.sub("utf8mb3", word)) for word in words)
    return hashlib.blake2b(said.encode(errors="surrogatepass"), key=key, digest_size=16).hexdigest()


def differences(source: Any, target: Any, base: str) -> list[str]:
    """Say, object by object, how two servers differ in what defines them."""
    key = secrets.token_bytes(32)
    there, here = described(source, base, key), described(target, base, key)
    gone = [f"{name}: not on the target" for name in sorted(set(there) - set(here))]
    new = [f"{name}: not on the source" for name in sorted(set(here) - set(there))]
    other = [f"{name}: is another" for name in sorted(set(there) & set(here)) if there[name] != here[name]]
    return [*gone, *new, *other]
