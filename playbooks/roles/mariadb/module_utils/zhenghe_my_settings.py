"""What the source's settings mean for clients: the same on the target, in our option file, and compared again later."""

from __future__ import annotations

import re
from typing import Any

from ansible.module_utils.zhenghe_my_place import rows, text, value

MEANING = (
    "auto_increment_increment", "auto_increment_offset", "character_set_server", "collation_server",
    "completion_type", "default_storage_engine", "default_week_format", "div_precision_increment",
    "explicit_defaults_for_timestamp", "ft_max_word_len", "ft_min_word_len", "group_concat_max_len",
    "innodb_default_row_format", "innodb_ft_min_token_size", "innodb_lock_wait_timeout", "innodb_strict_mode",
    "interactive_timeout", "lc_time_names", "local_infile", "lock_wait_timeout", "log_bin_trust_function_creators",
    "lower_case_table_names", "max_allowed_packet", "max_connections", "max_heap_table_size", "net_read_timeout",
    "net_write_timeout", "sql_mode", "system_versioning_alter_history", "tmp_table_size", "tx_isolation",
    "updatable_views_with_limit", "wait_timeout",
)  # fmt: skip
"""Settings that clients feel; in a server's words."""
_WRITTEN = {"tx_isolation": "transaction_isolation"}
"""What an option file calls a setting, where that differs."""
_PLAIN = re.compile(r"[A-Za-z0-9_,:+./-]*")
_OFFSET = "SELECT TIME_FORMAT(TIMEDIFF(SYSDATE(), UTC_TIMESTAMP()), '%H:%i')"


def of(connection: Any) -> dict[str, str]:
    """Return a server's settings that clients feel; the time zone as an offset where it is the system's."""
    found = {text(name).lower(): text(one) for name, one in rows(connection, "SHOW GLOBAL VARIABLES")}
    known = {name: found[name] for name in MEANING if name in found}
    zone = found.get("time_zone", "SYSTEM")
    return {**known, "time_zone": _offset(connection) if zone == "SYSTEM" else zone}


def of_now(connection: Any) -> dict[str, str]:
    """Return what is in force of a server's settings and may have been set while it ran."""
    found = {text(name).lower(): text(one) for name, one in rows(connection, "SHOW GLOBAL VARIABLES")}
    return {name: found[name] for name in (*MEANING, "event_scheduler", "time_zone", "read_only") if name in found}


def set_now(connection: Any, wanted: dict[str, str]) -> None:
    """Set again what a restart has forgotten."""
    now = of_now(connection)
    for name, one in wanted.items():
        if now.get(name) != one:
            rows(connection, f"SET GLOBAL {name} = %s", (int(one) if one.isdigit() else one,))


def _offset(connection: Any) -> str:
    # Our own sessions are in UTC: what the system's clock says is asked in its zone.
    rows(connection, "SET SESSION time_zone = 'SYSTEM'")
    said = text(value(connection, _OFFSET))
    rows(connection, "SET SESSION time_zone = '+00:00'")
    return said if said.startswith("-") else f"+{said}"


def options(found: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the lines of an option file for settings, and the names of those that cannot be written there."""
    lines, left = "", []
    for name, one in sorted(found.items()):
        if _PLAIN.fullmatch(one) is None:
            left.append(name)
            continue
        written = "default_time_zone" if name == "time_zone" else _WRITTEN.get(name, name)
        lines += f"{written} = {_as_option(name, one)}\n"
    return lines, tuple(left)


def _as_option(name: str, one: str) -> str:
    # An option file takes 'REPEATABLE-READ' and '' as they are; words with a comma need quotes for nobody.
    return f"'{one}'" if name in ("sql_mode", "time_zone") else one


def differences(there: dict[str, str], here: dict[str, str]) -> list[str]:
    """Say which settings differ between the source and the target."""
    return [
        f"{name}: source {there[name]}, target {here[name]}"
        for name in sorted(there)
        if name in here and there[name].lower() != here[name].lower()
    ]
