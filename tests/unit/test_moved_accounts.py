"""An account that lets a host in lets it in from its new address, too: which one counts, and which are made."""

# ruff: noqa: I001 - what runs on hosts is importable once `hostside` is
from typing import Any

import pytest

from tests.unit import hostside  # noqa: F401

from ansible.module_utils.zhenghe_my_clients import most_special, wanted_accounts

OLD, NEW, SERVER = "10.12.0.12", "10.60.1.32", "10.12.0.10"


def wanted(*accounts: str, ending: tuple[str, ...] = (), moved: dict[str, list[str]] | None = None, **kept: Any) -> Any:
    entry = {"moved": {OLD: [NEW]} if moved is None else moved, "ending": list(ending)}
    each: dict[Any, Any] = {(user, host): kept for user, _, host in (one.partition("@") for one in accounts)}
    return wanted_accounts(SERVER, each, entry)


@pytest.mark.parametrize(
    "hosts, address, counts",
    [
        (("%", "10.12.0.%", OLD), OLD, OLD),
        (("%", "10.12.0.%"), OLD, "10.12.0.%"),
        (("10.12.%", "10.12.0._2"), OLD, "10.12.0._2"),
        (("10.12.0.0/255.255.255.0",), OLD, "10.12.0.0/255.255.255.0"),
        (("10.12.0.0/not a mask", "10.12.0.1"), OLD, None),
        ((r"10.12.0.1\_",), OLD, None),
        (("10.12.0.1.",), OLD, None),
        (("LocalHost",), "localhost", "LocalHost"),
    ],
)
def test_the_most_special_host_that_lets_an_address_in_counts(
    hosts: tuple[str, ...], address: str, counts: str | None
) -> None:
    assert most_special(hosts, address) == counts


def test_whoever_came_from_the_old_address_alone_may_come_from_the_new_one() -> None:
    assert wanted(f"app@{OLD}", "net@10.12.0.%", "all@%", "other@10.99.0.1") == [
        (("app", OLD), NEW),
        (("net", "10.12.0.%"), NEW),
    ]


def test_another_password_for_everybody_else_is_not_that_of_the_host_which_moves() -> None:
    assert wanted("app@%", f"app@{OLD}") == [(("app", OLD), NEW)]


def test_an_account_that_is_there_already_is_not_made_again_whoever_made_it() -> None:
    assert wanted(f"app@{OLD}", f"app@{NEW}") == []


def test_clients_on_the_server_s_own_host_count_where_their_service_moves_with_it() -> None:
    moved = {SERVER: [NEW]}
    assert wanted("app@localhost", moved=moved) == []
    assert wanted("app@localhost", moved=moved, ending=(SERVER,)) == [(("app", "localhost"), NEW)]
    assert wanted("app@127.0.0.1", moved=moved, ending=(SERVER,)) == [(("app", "127.0.0.1"), NEW)]


def test_nobody_is_let_in_who_has_no_name_or_no_password() -> None:
    assert wanted(f"@{OLD}") == []
    assert wanted(f"cron@{OLD}", plugin="unix_socket") == []
