"""What a database server of another host says is held against what it may be before it steers anything at this end."""

from collections.abc import Callable
from typing import Any

import pytest

from playbooks.agents.kit import Refused


@pytest.mark.parametrize(
    "said", ["0-1-1'; DROP DATABASE fees; -- ", "0-1", "0-1-1,", "0-1-1\nread_only=0", b"\xff", "1" * 4000]
)
def test_a_position_is_numbers_or_refused(on_host: Callable[[str], Any], said: Any) -> None:
    with pytest.raises(Refused, match="no position of MariaDB's"):
        on_host("zhenghe_my_stream").position_of(said)


@pytest.mark.parametrize("said", ["", "0-1-100", "0-1-1,168493077-168493077-3"])
def test_positions_of_servers_are_taken(on_host: Callable[[str], Any], said: str) -> None:
    assert on_host("zhenghe_my_stream").position_of(said) == said


def test_a_setting_never_becomes_a_second_line_of_an_option_file(on_host: Callable[[str], Any]) -> None:
    found = {"sql_mode": "ANSI,STRICT_ALL_TABLES", "lc_time_names": "zh_CN\nplugin_load_add=x", "time_zone": "+08:00'"}
    lines, left = on_host("zhenghe_my_settings").options(found)
    assert lines == "sql_mode = 'ANSI,STRICT_ALL_TABLES'\n"
    assert left == ("lc_time_names", "time_zone")


def test_names_of_accounts_end_no_statement(on_host: Callable[[str], Any]) -> None:
    account = on_host("zhenghe_my_place").account
    assert account("o'dd\\", "%") == "'o''dd\\\\'@'%'"
    assert account("", "localhost") == "''@'localhost'"
    assert on_host("zhenghe_my_place").quoted("a`; --", "b") == "`a``; --`.`b`"


@pytest.mark.parametrize(
    "verifier", ["", "*" + "0" * 39, "*" + "0" * 40 + "' IDENTIFIED BY 'x", "SCRAM-SHA-256$1:a$b:c"]
)
def test_the_password_of_another_end_is_a_hash_or_nobody_is_let_in(
    on_host: Callable[[str], Any], verifier: str
) -> None:
    component = {"name": "db", "settings": {}, "source_addresses": ["10.1.0.1"], "target_addresses": ["10.2.0.1"]}
    place = on_host("zhenghe_my_place").Place("source", "fees", component)
    with pytest.raises(Refused, match="no hash of MariaDB's"):
        on_host("zhenghe_my_accounts").admit_peer(place, None, verifier, by_tls=True)


def test_a_key_that_is_more_than_a_key_fetches_nothing(on_host: Callable[[str], Any]) -> None:
    with pytest.raises(Refused, match="no key of OpenSSH's"):
        on_host("zhenghe_readers").admit("fees", "new", "10.2.0.1", "ssh-ed25519 AAAA\nssh-ed25519 BBBB", "tar")
