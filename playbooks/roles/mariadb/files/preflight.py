"""What a server is like, weeks before its move: only asked, nothing is changed."""

from __future__ import annotations

import shutil
from typing import Any

from ansible.module_utils import zhenghe_my_findings as findings
from ansible.module_utils import zhenghe_my_tls as tls
from ansible.module_utils.zhenghe_my_place import SYSTEM, Place, rows, text, value
from ansible.module_utils.zhenghe_my_source import logs
from pymysql.err import MySQLError  # type: ignore[import-untyped, import-not-found, unused-ignore]

_MOST = 50
_TABLES = f"FROM information_schema.tables WHERE table_schema NOT IN ({SYSTEM}) AND table_type NOT LIKE '%VIEW'"
_COUNTS = {
    "tables": f"SELECT COUNT(*) {_TABLES}",
    "bytes": f"SELECT COALESCE(SUM(data_length + index_length), 0) {_TABLES}",
    "clients": "SELECT COUNT(DISTINCT user, SUBSTRING_INDEX(host, ':', 1)) FROM information_schema.processlist "
    "WHERE user NOT IN ('root', 'system user', 'event_scheduler')",
}
_WORDS = {
    "binlog_format": "SELECT @@GLOBAL.binlog_format",
    "sql_mode": "SELECT @@GLOBAL.sql_mode",
    "timezone": "SELECT IF(@@GLOBAL.time_zone = 'SYSTEM', @@system_time_zone, @@GLOBAL.time_zone)",
}
_LISTS = {
    "databases": f"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ({SYSTEM})",  # noqa: S608
    "character_sets": "SELECT DISTINCT character_set_name FROM information_schema.columns "  # noqa: S608
    f"WHERE table_schema NOT IN ({SYSTEM}) AND character_set_name IS NOT NULL ORDER BY 1",
    "without_transactions": f"SELECT CONCAT(table_schema, '.', table_name, ' (', engine, ')') {_TABLES} "
    "AND engine IN ('MyISAM', 'Aria', 'CSV', 'ARCHIVE') ORDER BY 1",
    "events": f"SELECT CONCAT(CAST(db AS CHAR), '.', CAST(name AS CHAR)) FROM mysql.event "  # noqa: S608
    f"WHERE CAST(db AS CHAR) NOT IN ({SYSTEM}) AND status = 'ENABLED' ORDER BY 1",
}


def carry_out(given: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a server, and what preparation would refuse."""
    place = Place("source", given["system"], given["component"])
    try:
        connection = place.connect()
        facts: dict[str, Any] = {"version": findings.version_of(connection)[0], "logs": logs(connection)}
        facts.update({name: int(value(connection, question)) for name, question in _COUNTS.items()})
        facts.update({name: text(value(connection, question)) for name, question in _WORDS.items()})
        facts.update({name: _names(connection, question) for name, question in _LISTS.items()})
        facts["copies"] = shutil.which("mariabackup") is not None
        facts["may_restart"] = place.may_restart
        facts["told"] = findings.told(connection, place.base)[:_MOST]
        return {"facts": facts, "refusals": [*findings.refused(place, connection), *tls.against(place, connection)]}
    except MySQLError as exc:
        return {"failed": True, "msg": f"MariaDB: {exc}", "mend": "see journalctl -u mariadb on this host"}


def _names(connection: Any, question: str) -> list[str]:
    return [text(row[0]) for row in rows(connection, question)][:_MOST]
