"""What the source's settings mean for clients: the same on the target, in our option file, and compared again later."""

from __future__ import annotations

import re
from typing import Any

from ansible.module_utils.zhenghe_my_place import rows, text, value

MEANING = (
    "auto_increment_increment", "auto_increment_offset", "character_set_server", "collation_server",
    "completion_type", "default_storage_engine", "default_week_format", "div_precision_increment",
    "explicit_defaults_for_timestamp", "ft_max_word_len", "ft_min_word_len", "group_concat_max_len", "init_connect",
    "innodb_autoinc_lock_mode", "innodb_default_row_format", "innodb_ft_min_token_size", "innodb_lock_wait_timeout",
    "innodb_strict_mode", "interactive_timeout", "lc_time_names", "local_infile", "lock_wait_timeout",
    "log_bin_trust_function_creators", "lower_case_table_names", "max_allowed_packet", "max_connections",
    "max_heap_table_size", "max_statement_time", "net_read_timeout", "net_write_timeout", "old_mode", "secure_auth",
    "skip_name_resolve", "sql_mode", "system_versioning_alter_history", "tmp_table_size", "tx_isolation",
    "updatable_views_with_limit", "wait_timeout",
)  # fmt: skip
"""Settings that clients feel; in a server's words."""
_WRITTEN = {"tx_isolation": "transaction_isolation"}
"""What an option file calls a setting, where that differs."""
_ALWAYS = "UTF8_IS_UTF8MB3"
"""What servers before 10.6 did in any mode."""
_FILES = {"innodb_page_size": "16384", "innodb_data_file_path": "ibdata1:12M:autoextend"}
"""How InnoDB lays out its files, with a server's defaults: a copy can be read by no other."""
_QUOTED = re.compile(r"[^\\\"\n\0]*")
_PLAIN = re.compile(r"[A-Za-z0-9_,:+./-]*")
_OFFSET = "SELECT TIME_FORMAT(TIMEDIFF(SYSDATE(), UTC_TIMESTAMP()), '%H:%i')"


def of(connection: Any) -> dict[str, str]:
    """Return a server's settings that clients feel; the time zone as an offset where it is the system's."""
    found = {text(name).lower(): text(one) for name, one in rows(connection, "SHOW GLOBAL VARIABLES")}
    known = {name: found[name] for name in MEANING if name in found}
    known["old_mode"] = ",".join(sorted({*known.get("old_mode", "").split(","), _ALWAYS} - {""}))
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
        if (_QUOTED if name == "init_connect" else _PLAIN).fullmatch(one) is None:
            left.append(name)
            continue
        written = "default_time_zone" if name == "time_zone" else _WRITTEN.get(name, name)
        lines += f"{written} = {_as_option(name, one)}\n"
    return lines, tuple(left)


def _as_option(name: str, one: str) -> str:
    # An option file takes 'REPEATABLE-READ' and '' as they are; words with a comma need quotes for nobody.
    if name == "init_connect":
        return f'"{one}"'
    return f"'{one}'" if name in ("sql_mode", "time_zone") else one


def of_files(connection: Any) -> str:
    """Return the lines of an option file by which a server reads the files of another one."""
    found = {name: text(value(connection, f"SELECT @@GLOBAL.{name}")) for name in _FILES}
    odd = {name: one for name, one in found.items() if one != _FILES[name]}
    return "".join(f"{name} = {one}\n" for name, one in odd.items() if re.fullmatch(r"[\w:;.+-]+", one))


def differences(there: dict[str, str], here: dict[str, str]) -> list[str]:
    """Say which settings differ between the source and the target."""
    return [
        f"{name}: source {there[name]}, target {here[name]}"
        for name in sorted(there)
        if name in here and there[name].lower() != here[name].lower()
    ]
