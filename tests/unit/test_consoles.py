"""What is made of the consoles that a cloud hands out: keys, or the reason why there are none."""

from types import SimpleNamespace
from typing import Any

import pytest

from infra.openstack.consoles import read_consoles
from tests.unit.test_host_keys import EC, ED, OTHER, console


def cloud(**consoles: Any) -> Any:
    return SimpleNamespace(compute=SimpleNamespace(get_server_console_output=consoles.get))


def test_each_server_has_its_keys_or_says_why_it_has_none() -> None:
    asked = {"db-1": "one", "db-2": "two", "db-3": "three", "db-4": "four"}
    seen = read_consoles(
        cloud(one={"output": console(ED, EC)}, two={"output": "booting"}, three=None,
              four={"output": console(ED) + console(OTHER)}),
        asked, patience=0,
    )  # fmt: skip
    assert [each.name for each in seen] == list(asked)
    assert [set(each.keys) for each in seen] == [{ED, EC}, set(), set(), set()]
    assert [bool(each.why) for each in seen] == [False, True, True, True]
    assert {each.server for each in seen} == set(asked.values())


def test_a_host_that_still_boots_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.openstack.consoles._POLL_SECONDS", 0)
    outputs = iter(["", "-----BEGIN SSH HOST KEY KEYS-----", console(ED)])
    compute = SimpleNamespace(get_server_console_output=lambda _server: {"output": next(outputs)})
    (seen,) = read_consoles(SimpleNamespace(compute=compute), {"db-1": "one"})
    assert seen.keys == (ED,)
