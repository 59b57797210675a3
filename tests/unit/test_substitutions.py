"""What becomes of addresses in a service's configuration is computed from the inventory, and stands in the plan."""

from collections.abc import Mapping
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml

from inventory.checks.checking import check
from inventory.findings import Finding
from inventory.kinds import load_kinds, playbooks_folder
from inventory.loading import load_programme
from migrations.planning.planner import make_plan
from tests.conftest import YUNHE

KINDS = load_kinds(playbooks_folder() / "roles")
SETTINGS: dict[str, Any] = {"root": "/srv/permits", "service": "permits", "port": 8080, "configuration": ["app.ini"]}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The example district with a service that needs the registry of identities, on the water bureau's host."""
    folder = tmp_path / "yunhe"
    copytree(YUNHE, folder)
    return folder


def add(folder: Path, settings: Mapping[str, Any] = {}, **system: Any) -> None:
    document = {
        "system": "permits", "title": "许可", "department": "water-bureau", "domain": "public", "grading": {"mlps": 2},
        "depends_on": ["identity"],
        "components": [
            {"name": "data", "kind": "files", "on": ["water-app"], "settings": {"root": "/var/lib/permits"},
             "to": {"site": "cloud-a", "size": "1c1g", "addresses": ["10.60.2.51"]}},
            {"name": "app", "kind": "service", "on": ["water-app"], "settings": {**SETTINGS, **settings},
             "to": {"site": "cloud-a", "size": "1c1g", "addresses": ["10.60.2.51"]},
             "entry": {"name": "permits.yunhe.example", "port": 80}},
        ],
        **system,
    }  # fmt: skip
    (folder / "systems" / "permits.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))


def component(folder: Path) -> dict[str, Any]:
    plan = make_plan(load_programme(folder), KINDS)
    step = next(step for unit in plan.units for step in unit.steps if step.id == "system:permits/prepare/app")
    found: dict[str, Any] = step.arguments["components"][0]
    return found


def rows(folder: Path) -> set[tuple[str, str, str]]:
    return {(row["found"], row["becomes"], row["kind"]) for row in component(folder)["substitutions"]}


def complaints(folder: Path) -> list[Finding]:
    return [each for each in check(folder, KINDS).findings if each.rule == "setting"]


def test_a_database_of_another_system_is_found_by_the_name_of_its_entry(written: Path) -> None:
    add(written)
    identity = next(each for each in load_programme(written).systems if each.system == "identity")
    entry, host = identity.components[0].entry, identity.components[0].on[0]
    assert entry is not None
    found = rows(written)
    assert ("10.12.0.10", entry.name, "address") in found
    assert (host, entry.name, "host") in found
    assert ("10.11.0.11", "10.60.2.51", "address") in found, "its own address"
    assert component(written)["beside"] == [{"name": "permits-data", "root": "/var/lib/permits"}]


def test_a_server_at_another_port_than_its_entry_is_found_with_its_port(written: Path) -> None:
    file = written / "systems" / "identity.yaml"
    file.write_text(file.read_text().replace("database: identity", "port: 5433, database: identity", 1))
    add(written)
    found = rows(written)
    for old in ("10.12.0.10", "civil-db"):
        assert (f"{old}:5433", "identity-db.yunhe.example:5432", "address") in found


def test_what_shares_its_host_is_told_apart_by_the_port(written: Path) -> None:
    add(written, {"uses": ["water-billing/app"]}, depends_on=["water-billing"])
    billing = next(each for each in load_programme(written).systems if each.system == "water-billing")
    entry = next(each.entry for each in billing.components if each.name == "app")
    assert entry is not None
    found = rows(written)
    for near in ("localhost", "127.0.0.1", "10.11.0.11"):
        assert (f"{near}:{entry.port}", f"{entry.name}:{entry.port}", "local") in found


def test_a_persons_own_words_come_first(written: Path) -> None:
    add(written, {"replace": [{"found": "java-8", "becomes": "java-17"}]})
    assert ("java-8", "java-17", "word") in rows(written)


def test_a_component_that_is_not_there_is_said_with_its_place(written: Path) -> None:
    add(written, {"uses": ["identity/nothing"]})
    (finding,) = complaints(written)
    assert "identity/nothing" in finding.reason
    assert finding.file.name == "permits.yaml"


def test_a_word_that_could_mean_two_components_has_to_be_settled(written: Path) -> None:
    file = written / "systems" / "identity.yaml"
    second = (
        "  - {name: second, kind: postgresql, on: [civil-db],\n"
        "     to: {site: cloud-a, size: 2c4g, addresses: [10.60.1.31]},\n"
        "     entry: {name: second.yunhe.example, port: 5432}, settings: {database: second}}\n"
    )
    file.write_text(file.read_text().replace("limits:", f"{second}limits:", 1))
    add(written)
    (finding,) = complaints(written)
    assert "may mean identity/" in finding.reason
    add(written, {"uses": ["identity/second"]})
    assert complaints(written) == []
    assert ("10.12.0.10", "second.yunhe.example", "address") in rows(written)


@pytest.mark.parametrize(
    "settings",
    [{"configuration": ["/etc/passwd"]}, {"cron": ["../crontab"]}, {"files": ["/root/.ssh/authorized_keys"]},
     {"service": "a b"}, {"port": 0}, {"replace": [{"found": "x", "becomes": "y"}]}, {"crontabs": ["root;id"]},
     {"sha256": {"/etc/x": "short"}}],
)  # fmt: skip
def test_settings_that_lead_elsewhere_are_refused(written: Path, settings: dict[str, Any]) -> None:
    add(written, settings)
    assert complaints(written)
