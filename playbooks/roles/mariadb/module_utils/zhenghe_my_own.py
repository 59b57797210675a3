"""What is ours inside of a server: the schema `zhenghe`, with the sides of its moves and a reader of triggers."""

# ruff: noqa: ISC004 - statements, one after the other

from __future__ import annotations

from typing import Any

from ansible.module_utils.zhenghe_my_place import Place, known, rows, value

from playbooks.agents.kit import Refused

_COMMENT = "Made by zhenghe for the move of this server; goes with it."
_MAKE = (
    f"CREATE DATABASE IF NOT EXISTS zhenghe CHARACTER SET utf8mb4 COMMENT '{_COMMENT}'",
    "CREATE TABLE IF NOT EXISTS zhenghe.ends (base VARCHAR(64) PRIMARY KEY, side VARCHAR(16) NOT NULL, "
    "since VARCHAR(1500) NOT NULL DEFAULT 'never', locked LONGTEXT NOT NULL DEFAULT '[]', "
    "events VARCHAR(16) NOT NULL DEFAULT '', routines VARCHAR(16) NOT NULL DEFAULT 'ON') "
    "ENGINE = InnoDB CHARACTER SET utf8mb4",
    # The right to see triggers is the right to make them, so the other end has them told.
    "CREATE OR REPLACE DEFINER = root@localhost PROCEDURE zhenghe.triggers() SQL SECURITY DEFINER READS SQL DATA "
    "SELECT trigger_schema, trigger_name, event_manipulation, event_object_table, action_order, action_statement, "
    "action_timing, sql_mode, definer, character_set_client, collation_connection FROM information_schema.triggers "
    "WHERE trigger_schema NOT IN ('mysql', 'sys', 'zhenghe') ORDER BY 1, 2",
)
_OTHERS = "SELECT 1 FROM information_schema.schemata WHERE schema_name = 'zhenghe' AND schema_comment <> %s"


def see_free(connection: Any) -> None:
    """See that no schema of others has our name; Refused where one has."""
    if rows(connection, _OTHERS, (_COMMENT,)):
        raise Refused("there is a schema zhenghe that is not ours", "rename it: the move uses this name")


def make(place: Place, connection: Any, side: str) -> None:
    """Make the schema, and say on which side this end is where nothing has said so yet."""
    see_free(connection)
    for statement in _MAKE:
        rows(connection, statement)
    rows(connection, "INSERT IGNORE INTO zhenghe.ends (base, side) VALUES (%s, %s)", (place.base, side))


def drop(connection: Any) -> None:
    """Remove the schema, if it is ours."""
    if known(connection) and not rows(connection, _OTHERS, (_COMMENT,)):
        rows(connection, "DROP DATABASE zhenghe")


NEVER = "never"
"""Since when an end that was not promoted yet can be followed as one."""


def note(place: Place, connection: Any, **news: str) -> None:
    """Write down what the other end may ask of this one."""
    names = ", ".join(f"{name} = %s" for name in news)
    rows(connection, f"UPDATE zhenghe.ends SET {names} WHERE base = %s", (*news.values(), place.base))  # noqa: S608


def noted(place: Place, connection: Any, name: str) -> str:
    """Return one of the things that were written down, empty where nothing was."""
    question = f"SELECT {name} FROM zhenghe.ends WHERE base = %s"  # noqa: S608
    return str(value(connection, question, (place.base,)) or "")
