"""What a killed or failed create has made is taken into the state, once; what is not ours is left alone."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.engine.mending import mended, with_doubts
from infra.openstack.finding import identities
from infra.openstack.kinds import Kind

NETWORK = "urn:pulumi:cloud-a::zhenghe::openstack:networking/network:Network::cloud-a-admin"


def entry(**more: object) -> dict[str, Any]:
    return {"urn": NETWORK, "type": Kind.NETWORK.value, "custom": True, "inputs": {"name": "cloud-a-admin"}, **more}


def doubted(folder: Path) -> Path:
    file = folder / "cloud-a.doubtful.json"
    file.write_text(json.dumps([entry()]))
    return file


def there(*found: str) -> Any:
    def answer(_type: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        assert inputs == {"name": "cloud-a-admin"}
        return found

    return answer


def test_a_create_that_failed_is_taken_in_where_the_cloud_did_it_all_the_same(tmp_path: Path) -> None:
    left = with_doubts({"resources": []}, doubted(tmp_path))
    done, doubled = mended(left, there("id-1"))
    assert [(each["urn"], each["id"]) for each in done["resources"]] == [(NETWORK, "id-1")]
    assert (done["pending_operations"], doubled) == ([], ())


def test_a_create_that_failed_and_made_nothing_is_forgotten(tmp_path: Path) -> None:
    assert mended(with_doubts({}, doubted(tmp_path)), there())[0]["resources"] == []


@pytest.mark.parametrize("pending", [[], [{"type": "creating", "resource": entry()}]])
def test_what_the_state_holds_or_was_pending_too_is_taken_in_once(tmp_path: Path, pending: list[Any]) -> None:
    known = [] if pending else [entry(id="id-1")]
    left = with_doubts({"resources": known, "pending_operations": pending}, doubted(tmp_path))
    assert [each["id"] for each in mended(left, there("id-1"))[0]["resources"]] == ["id-1"]


def test_two_of_one_name_are_told_and_none_is_taken(tmp_path: Path) -> None:
    done, doubled = mended(with_doubts({}, doubted(tmp_path)), there("id-1", "id-2"))
    assert (done["resources"], doubled[0].identities) == ([], ("id-1", "id-2"))


def test_without_doubts_a_state_is_as_it_was(tmp_path: Path) -> None:
    assert with_doubts({"resources": [1]}, tmp_path / "none")["pending_operations"] == []


@pytest.mark.parametrize("held, found", [("ssh-ed25519 AAAA operator", ("ours",)), ("ssh-ed25519 BBBB", ())])
def test_another_key_of_that_name_is_not_ours(held: str, found: tuple[str, ...]) -> None:
    keys = [SimpleNamespace(name="ours", public_key=held), SimpleNamespace(name="other", public_key=held)]
    cloud = SimpleNamespace(compute=SimpleNamespace(keypairs=lambda: keys))
    assert identities(cloud, Kind.KEY, {"name": "ours", "publicKey": "ssh-ed25519 AAAA"}) == found
