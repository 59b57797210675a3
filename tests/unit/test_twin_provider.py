"""The provider names all wrong inputs, and says of each difference whether it needs a new resource."""

import asyncio
from typing import Any

import pytest
from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue

from infra.engine.mending import mended
from infra.provider.twin import TwinProvider

SERVER: dict[str, Any] = {
    "name": "h", "site": "s", "image": "bookworm", "cpus": 2.0, "memory": 512.0, "network": "id-1",
    "address": "10.60.1.20", "security_groups": ["id-2"], "server_group": "id-3", "power_state": "active",
}  # fmt: skip
GROUP: dict[str, Any] = {"name": "g", "site": "s", "rules": [{"protocol": "icmp", "source": "0.0.0.0/0"}]}


def values(fields: dict[str, Any]) -> dict[str, PropertyValue]:
    def value(item: Any) -> PropertyValue:
        if isinstance(item, PropertyValue):
            return item
        if isinstance(item, dict):
            return PropertyValue({name: value(part) for name, part in item.items()})
        return PropertyValue([value(part) for part in item] if isinstance(item, list) else item)

    return {name: value(item) for name, item in fields.items()}


def urn(kind: str) -> str:
    return f"urn:pulumi:s::zhenghe::zhenghe:twin:{kind}::x"


def failures(kind: str, fields: dict[str, Any]) -> set[str]:
    request = protocol.CheckRequest(urn(kind), {}, values(fields), b"")
    return {failure.property for failure in asyncio.run(TwinProvider().check(request)).failures or ()}


def difference(kind: str, old: dict[str, Any], new: dict[str, Any]) -> protocol.DiffResponse:
    request = protocol.DiffRequest(urn(kind), "id", values(old), values(new), [])
    return asyncio.run(TwinProvider().diff(request))


def test_all_wrong_inputs_are_named() -> None:
    wrong = {**SERVER, "cpus": 0.0, "address": "10.60.1.256", "colour": "red"}
    del wrong["image"]
    assert failures("Server", wrong) == {"cpus", "address", "colour", "image"}
    assert failures("SecurityGroup", {**GROUP, "rules": [{"protocol": "gre", "source": "x"}]}) == {
        "rules.0.protocol",
        "rules.0.source",
    }


def test_right_inputs_and_what_is_not_known_yet_pass() -> None:
    unknown = PropertyValue.computed()
    assert failures("Server", SERVER) == set()
    assert failures("Server", {**SERVER, "network": unknown, "security_groups": [unknown]}) == set()
    assert failures("Server", {**SERVER, "network": unknown, "cpus": 0.0}) == {"cpus"}


def test_equal_is_no_difference() -> None:
    seen = {**SERVER, "id": "u", "status": "ACTIVE", "fault": None, "hypervisor": "s-1"}
    assert difference("Server", seen, SERVER).changes is False
    # The cloud shows a port that is None; the engine does not keep it.
    shown = {**GROUP, "rules": [{**GROUP["rules"][0], "port": None}]}
    assert difference("SecurityGroup", shown, GROUP).changes is False


@pytest.mark.parametrize(
    "kind, base, field, value, replaces",
    [
        ("Server", SERVER, "power_state", "shutoff", False),
        ("Server", SERVER, "security_groups", ["id-9"], False),
        ("Server", SERVER, "cpus", 4.0, True),
        ("Server", SERVER, "address", "10.60.1.21", True),
        ("Server", SERVER, "network", PropertyValue.computed(), True),
        ("SecurityGroup", GROUP, "rules", [], False),
        ("SecurityGroup", GROUP, "name", "other", True),
    ],
)
def test_a_difference_is_changed_in_place_or_made_anew(
    kind: str, base: dict[str, Any], field: str, value: object, *, replaces: bool
) -> None:
    answer = difference(kind, base, {**base, field: value})
    assert (answer.changes, answer.diffs) == (True, [field])
    assert (bool(answer.replaces), answer.delete_before_replace) == (replaces, replaces)


def pending(name: str, kind: str = "creating") -> dict[str, Any]:
    resource = {"urn": urn("Network") + name, "custom": True, "type": "zhenghe:twin:Network", "inputs": {"name": name}}
    return {"type": kind, "resource": resource}


def test_a_pending_create_is_completed_dropped_or_called_doubled() -> None:
    known = {"one": ("id-1",), "none": (), "two": ("id-2", "id-3")}
    before = {"manifest": 1, "resources": [{"urn": "kept"}], "pending_operations": [pending(name) for name in known]}
    after, doubled = mended(before, lambda _type, inputs: known[inputs["name"]])
    assert after["pending_operations"] == []
    assert [(item["urn"], item.get("id")) for item in after["resources"]] == [
        ("kept", None),
        (urn("Network") + "one", "id-1"),
    ]
    assert [(item.urn, item.identities) for item in doubled] == [(urn("Network") + "two", ("id-2", "id-3"))]


def test_pending_updates_and_a_create_that_was_recorded_add_nothing() -> None:
    created = {**pending("one")["resource"], "id": "id-1"}
    before = {"resources": [created], "pending_operations": [pending("one"), pending("one", "updating")]}
    after, doubled = mended(before, lambda _type, _inputs: ("id-1",))
    assert (after["resources"], doubled) == ([created], ())


def test_mending_twice_is_mending_once() -> None:
    before = {"resources": [], "pending_operations": [pending("one")]}
    once, _ = mended(before, lambda _type, _inputs: ("id-1",))
    twice, _ = mended(once, lambda _type, _inputs: ("id-1",))
    assert once == twice
