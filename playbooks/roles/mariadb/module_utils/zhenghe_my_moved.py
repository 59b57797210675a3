"""Accounts that let somebody in from one host: when that host moves, he is let in from its new address as from its old.

Behind an entry the server goes on seeing where clients come from. An account is made for the new address, with the
password and rights of the one that lets in from the old; it is replicated like any other, and goes when the move is
given up before its switch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.zhenghe_my_accounts import Account, of_department
from ansible.module_utils.zhenghe_my_clients import wanted_accounts
from ansible.module_utils.zhenghe_my_place import Place, account, quoted, rows, text


def admit_moved(place: Place, connection: Any, entry: Mapping[str, Any]) -> list[str]:
    """Make the accounts that clients need at their new addresses; return whose they are."""
    wanted = wanted_accounts(place.address, of_department(connection, place.base), entry)
    made: list[list[str]] = place.remembered().get("moved_accounts", [])
    # Written down before it is done.
    place.remember(moved_accounts=[*made, *([user, new] for (user, _), new in wanted if [user, new] not in made)])
    with _logged(connection):
        for model, new in wanted:
            _make_like(connection, model, new)
    return [f"{user}@{new}" for (user, _), new in wanted]


def dismiss_moved(place: Place, connection: Any) -> None:
    """Remove the accounts that were made for new addresses."""
    with _logged(connection):
        for user, host in place.remembered().get("moved_accounts", []):
            rows(connection, f"DROP USER IF EXISTS {account(user, host)}")
    place.remember(moved_accounts=[])


@contextlib.contextmanager
def _logged(connection: Any) -> Iterator[None]:
    """Have the other end do the same."""
    rows(connection, "SET SESSION sql_log_bin = 1")
    try:
        yield
    finally:
        rows(connection, "SET SESSION sql_log_bin = 0")


def _make_like(connection: Any, model: Account, new: str) -> None:
    user, host = model
    old, name = f"{quoted(user)}@{quoted(host)}", account(*model)
    other = f"{quoted(user)}@{quoted(new)}"
    ((made,),) = rows(connection, f"SHOW CREATE USER {name}")
    rows(connection, f"CREATE USER IF NOT EXISTS {other}{text(made).removeprefix(f'CREATE USER {old}')}")
    for (said,) in rows(connection, f"SHOW GRANTS FOR {name}"):
        # The rights of its roles are told, too, and are theirs.
        for word in ("TO", "FOR"):
            before, between, after = text(said).rpartition(f" {word} {old}")
            if between:
                rows(connection, f"{before} {word} {other}{after}")
                break
