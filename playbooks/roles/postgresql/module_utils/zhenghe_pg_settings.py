"""Settings of the source's cluster that change what a statement means or what a client may do, at the other end.

Whatever a session may set comes over with the database (ALTER DATABASE ... SET); sizes of the cluster, which only a
restart changes, are raised on the target before anybody is there; all others are told one by one and left to people.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.zhenghe_pg_accounts import LISTS, listed
from ansible.module_utils.zhenghe_pg_place import Place, database_settings, rows, value
from psycopg2 import Error, sql  # type: ignore[import-untyped, import-not-found, unused-ignore]

MEANING = (
    "array_nulls", "backslash_quote", "bytea_output", "client_min_messages", "datestyle", "default_tablespace",
    "default_text_search_config", "default_toast_compression", "default_transaction_deferrable",
    "default_transaction_isolation", "escape_string_warning", "extra_float_digits", "gin_fuzzy_search_limit",
    "idle_session_timeout", "intervalstyle", "lc_messages", "lc_monetary",
    "lc_numeric", "lc_time", "lo_compat_privileges", "operator_precedence_warning",
    "quote_all_identifiers", "row_security", "standard_conforming_strings",
    "synchronous_commit", "temp_tablespaces", "timezone", "timezone_abbreviations", "transform_null_equals",
    "xmlbinary", "xmloption",
)  # fmt: skip
SIZES = ("max_connections", "max_locks_per_transaction", "max_pred_locks_per_transaction", "max_prepared_transactions")
# How a cluster keeps its files, logs and copies, and how it was built, is each host's own.
_OWN_AFFAIRS = (
    "File Locations", "Write-Ahead Log", "Reporting and Logging", "Replication", "Process Title", "Preset Options",
    "Connections and Authentication", "Developer Options", "Error Handling",
)  # fmt: skip
# The driver sets the style of dates for itself: what a client gets is what a RESET would come to.
_EVERY = """
SELECT lower(name), reset_val || coalesce(' ' || unit, ''), category, source FROM pg_settings
WHERE source NOT IN ('client', 'interactive', 'user', 'database user')
"""
# An application's own settings (city.code) stand in no list but that of the files, which is the superuser's; of others
# connections of the move have their own values.
FUNCTION = """
CREATE OR REPLACE FUNCTION zhenghe.own_settings() RETURNS TABLE (name text, setting text) LANGUAGE sql
    SECURITY DEFINER SET search_path = pg_catalog
    AS $$SELECT lower(name), setting FROM pg_file_settings
         WHERE applied AND (name ~ '[.]' AND name !~ '^zhenghe[.]' OR name IN ('search_path', 'statement_timeout',
                            'lock_timeout', 'idle_in_transaction_session_timeout'))$$;
REVOKE ALL ON FUNCTION zhenghe.own_settings() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION zhenghe.own_settings() TO {role}
"""


class _Setting(NamedTuple):
    value: str
    category: str
    source: str

    @property
    def chosen(self) -> bool:
        """Say whether somebody set it."""
        return self.source != "default"


def _effective(connection: Any) -> dict[str, _Setting]:
    """Return each setting as a client gets it, by a plain connection."""
    return {name: _Setting(*rest) for name, *rest in rows(connection, _EVERY)}


class Differences:
    """What the settings of the two ends make different for the clients of a database."""

    def __init__(self, place: Place) -> None:
        here, there = place.connect(place.database, plain=True), place.connect_peer(plain=True)
        self._here, self._there = _effective(here), _effective(there)
        self._own = _own(there, here, place.database)
        here.close()
        there.close()

    def meaning(self) -> dict[str, str]:
        """Return the settings of a session that differ, with the source's values."""
        found = {}
        for name, setting in self._there.items():
            # A setting that only one release knows is missed where somebody chose it.
            ours = name in MEANING and (name in self._here or setting.chosen)
            if ours and (name not in self._here or self._here[name].value != setting.value):
                found[name] = setting.value
        return {**found, **self._own}

    def sizes(self) -> list[str]:
        """Say which sizes of the target are smaller than the source's."""
        return [
            f"{name} is {self._there[name].value} on the source and {self._here[name].value} on the target"
            for name in SIZES
            if int(self._there[name].value) > int(self._here[name].value)
        ]

    def others(self) -> list[str]:
        """Say of all others that somebody set how they differ: they do not move."""
        found = []
        for name, setting in sorted(self._there.items()):
            moves = name in MEANING or name in SIZES or setting.category.startswith(_OWN_AFFAIRS)
            if not moves and setting.chosen and name in self._here and self._here[name].value != setting.value:
                now = self._here[name].value
                found.append(f"{name}: source {setting.value or 'nothing'}, target {now or 'nothing'}")
        return found


def _own(there: Any, here: Any, database: str) -> dict[str, str]:
    """Return the settings of applications that are not the same here."""
    # Absent where the source is one that was prepared before, or the end that a return comes from.
    if not rows(there, "SELECT 1 WHERE to_regprocedure('zhenghe.own_settings()') IS NOT NULL"):
        return {}
    set_here = {name.lower(): setting for name, setting in database_settings(here, database).items()}
    found = {str(name): str(setting) for name, setting in rows(there, "SELECT * FROM zhenghe.own_settings()")}
    own = database_settings(there, database)
    return {name: setting for name, setting in found.items() if name not in own and set_here.get(name) != setting}


def sizes_there(there: Any) -> dict[str, int]:
    """Return the sizes of the source's cluster."""
    found = rows(there, "SELECT name, setting::int FROM pg_settings WHERE name = ANY(%s)", (list(SIZES),))
    return {str(name): int(setting) for name, setting in found}


def bring(place: Place) -> dict[str, list[str]]:
    """Give the database here the settings of the source's cluster; return what came, what could not, what is left."""
    inside = place.connect(place.database)
    wanted = Differences(place).meaning()
    refused = []
    for name, setting in wanted.items():
        if _of_library(inside, name):
            refused.append(f"{name}: of a library's, whose settings nobody takes from another cluster")
            continue
        try:
            rows(inside, _statement(place, name, setting))
        except Error as exc:
            refused.append(f"{name} = {setting}: {str(exc).strip().splitlines()[0]}")
    left = Differences(place)
    stays = left.meaning()
    _note(place, inside, [name for name in wanted if name not in stays])
    return {
        "came": [f"{name} = {setting}" for name, setting in wanted.items() if name not in stays],
        "refused": refused or [f"{name} = {setting}" for name, setting in stays.items()],
        "others": [*left.sizes(), *left.others()],
    }


def _of_library(inside: Any, name: str) -> bool:
    """Say whether a setting is a loadable library's: such a one may name code that runs with all rights."""
    prefix, _, word = name.partition(".")
    folder = value(inside, "SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR'")
    return bool(word) and (prefix.startswith("pl") or Path(folder, f"{prefix}.so").exists())


def _note(place: Place, inside: Any, names: list[str]) -> None:
    every = sorted({*carried(inside, place.database), *names})
    if every:
        statement = sql.SQL("ALTER DATABASE {} SET zhenghe.carried = {}")
        rows(inside, statement.format(sql.Identifier(place.database), sql.Literal(" ".join(every))))


def carried(connection: Any, database: str) -> list[str]:
    """Return the settings that a database has here because the source's cluster had them."""
    return database_settings(connection, database).get("zhenghe.carried", "").split()


def serious(refused: list[str]) -> list[str]:
    """Return those of the refused settings without which statements mean something else."""
    return [one for one in refused if not one.startswith("lc_messages ") and "of a library's" not in one]


def still_different(place: Place) -> list[str]:
    """Say what of the settings that change meaning is not the same at both ends."""
    found = Differences(place)
    with contextlib.closing(place.connect()) as here:
        differs = [f"{n} = {setting}" for n, setting in found.meaning().items() if not _of_library(here, n)]
    return [f"the source has {one}, the target not" for one in serious(differs)] + found.sizes()


def _statement(place: Place, name: str, setting: str) -> sql.Composable:
    values = listed(name, setting) if name in LISTS and setting else (setting.replace(" ms", "ms"),)
    written = sql.SQL(", ").join([sql.Literal(one) for one in values])
    parts = sql.SQL(".").join([sql.Identifier(part) for part in name.split(".")])
    return sql.SQL("ALTER DATABASE {} SET {} = {}").format(sql.Identifier(place.database), parts, written)
