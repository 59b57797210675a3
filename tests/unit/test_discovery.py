"""What was seen on hosts is held against what was reported; nothing of it is guessed."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from infra.hearing import Unheard, parsed
from inventory.loading import load_programme
from inventory.model import Programme
from migrations.discovery import Dependency, Discovered, Sort, judged
from migrations.discovery.proposing import proposals
from tests.conftest import YUNHE

QUIET: dict[str, Any] = {
    "services": [], "databases": [], "sites": [], "packages": [], "peers": [], "looks": 5,
    "listening": [{"port": 22, "address": "0.0.0.0", "program": "sshd"}],
}  # fmt: skip
NGINX = {"port": 80, "address": "0.0.0.0", "program": "nginx"}
PAIRS = tuple[tuple[str, str], ...]


def seen(**changes: Any) -> Discovered:
    return Discovered.model_validate({**QUIET, **changes}, strict=False)


def peer(way: str, address: str, port: int) -> dict[str, Any]:
    return {"way": way, "address": address, "port": port, "program": "x", "looks": 3}


def found(programme: Programme, **hosts: Discovered) -> tuple[list[tuple[Sort, str, str]], PAIRS]:
    named = {host.replace("_", "-"): each for host, each in hosts.items()}
    differences, dependencies = judged(programme, named)
    return (
        [(each.sort, each.host, each.subject) for each in differences],
        tuple((each.system, each.needs) for each in dependencies),
    )


def test_what_was_reported_is_no_difference(programme: Programme) -> None:
    reported = seen(
        services=[{"name": "billing", "user": "billing", "folder": "/srv/billing"}],
        listening=[NGINX],
        sites=[{"site": "billing", "root": "/srv/billing/static"}],
        peers=[peer("out", "10.12.0.10", 5432), peer("in", "10.81.0.10", 80)],
    )
    database = seen(
        databases=[{"engine": "postgresql", "port": 5432, "name": "billing", "bytes": 9}],
        peers=[peer("in", "10.11.0.11", 5432)],
    )
    assert found(programme, water_app=reported, water_db=database) == ([], ())


@pytest.mark.parametrize(
    "change, subject",
    [
        ({"databases": [{"engine": "postgresql", "port": 5432, "name": "ledger", "bytes": 9}]}, "ledger"),
        ({"databases": [{"engine": "postgresql", "port": 5433, "name": "billing", "bytes": 9}]}, "billing"),
        ({"services": [{"name": "meter", "user": "root", "folder": ""}]}, "meter"),
        ({"listening": [NGINX], "sites": [{"site": "wiki", "root": "/srv/wiki"}]}, "wiki"),
    ],
)
def test_what_nobody_reported_is_told_by_name(programme: Programme, change: dict[str, Any], subject: str) -> None:
    assert found(programme, water_db=seen(**change))[0] == [(Sort.UNREPORTED, "water-db", subject)]


@pytest.mark.parametrize("host, way, address", [("civil_old", "out", "10.12.0.10"), ("civil_db", "in", "10.12.0.11")])
def test_a_dependency_is_seen_from_either_end(programme: Programme, host: str, way: str, address: str) -> None:
    differences, pairs = found(programme, **{host: seen(peers=[peer(way, address, 5432)])})
    assert pairs == (("notice-board", "identity"),)
    assert [sort for sort, _host, _subject in differences] == [Sort.DEPENDENCY]


def test_a_connection_to_a_port_that_no_component_has_shows_no_dependency(programme: Programme) -> None:
    assert found(programme, civil_old=seen(peers=[peer("out", "10.12.0.10", 9999)])) == ([], ())


def test_a_user_whom_the_inventory_lacks_is_told(programme: Programme) -> None:
    assert found(programme, water_db=seen(peers=[peer("in", "10.99.0.7", 5432)]))[0] == [
        (Sort.STRANGER, "water-db", "water-billing")
    ]


def test_a_host_where_nothing_was_seen_is_unused_only_if_somebody_looked(programme: Programme) -> None:
    assert found(programme, civil_old=seen())[0] == [(Sort.UNUSED, "civil-old", "civil-old")]
    assert found(programme, civil_old=seen(looks=0))[0] == []


def test_a_proposal_changes_just_the_line_that_it_is_about(tmp_path: Path) -> None:
    folder = tmp_path / "yunhe"
    copytree(YUNHE, folder)
    needed = [Dependency(system="notice-board", needs="identity", evidence="")]
    (change,) = proposals(folder, needed)
    assert change.after.splitlines() == [*change.before.splitlines(), "depends_on: [identity]"]
    (folder / change.file).write_text(change.after)
    systems = {system.system: system.depends_on for system in load_programme(folder).systems}
    assert systems["notice-board"] == ("identity",)
    assert proposals(folder, ()) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"peers": [peer("in", "10.0.0.1; rm", 5432)]},
        {"peers": [peer("through", "10.0.0.1", 5432)]},
        {"databases": [{"engine": "oracle", "port": 1, "name": "x", "bytes": 1}]},
        {"listening": [{**NGINX, "port": 70000}]},
        {"ansible_facts": {}},
    ],
)
def test_a_host_says_nothing_but_what_it_is_asked(change: dict[str, Any]) -> None:
    with pytest.raises(Unheard):
        parsed(json.dumps({**QUIET, **change}), Discovered)
