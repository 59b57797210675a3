"""The check of an inventory: every kind of mistake, each with its file, line, field, reason and mend."""

import shutil
from pathlib import Path

import pytest

from inventory.checks.checking import check
from inventory.derived.wiring import interfaces
from inventory.findings import Finding, InventoryErrors, Severity, written
from inventory.kinds import load_kinds, playbooks_folder
from inventory.loading import load_programme

YUNHE = Path(__file__).parents[2] / "examples" / "yunhe"
KINDS = load_kinds(playbooks_folder() / "roles")
BILLING = "{database: billing, pooling: transaction}"
WATER, ARCHIVE, CASES = "systems/water-billing.yaml", "systems/archive.yaml", "systems/case-files.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "yunhe"
    shutil.copytree(YUNHE, target, ignore=shutil.ignore_patterns("twin"))
    return target


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    (folder / file).write_text(text.replace(old, new))


def found(folder: Path) -> tuple[Finding, ...]:
    """Return the errors; what a survey lacks is a matter of its own."""
    return tuple(finding for finding in check(folder, KINDS).findings if finding.severity is Severity.ERROR)


def test_the_example_has_no_errors_and_its_files_are_told() -> None:
    result = check(YUNHE, KINDS)
    assert found(YUNHE) == ()
    assert {finding.rule for finding in result.findings} <= {"survey"}
    assert YUNHE / "programme.yaml" in result.files
    assert result.systems == len(result.programme.systems if result.programme is not None else ())
    assert result.programme is not None
    assert [system.system for system in result.programme.systems][:2] == ["allowance", "archive"]


# One mistake each: file, what stands there, what is written instead, then the one finding: a word on its line, its
# field, and words of its reason and mend.
MISTAKES: dict[str, tuple[str, str, str, str | None, str, str, str]] = {
    "unknown field": (WATER, "running_cost: 120000", "runing_cost: 120000", "runing_cost",
        "survey.runing_cost", "no such field", "did you mean 'running_cost'?"),
    "unknown field at the top": ("sites.yaml", "sites:\n", "sizes: []\nsite:\n", "site:\n",
        "site", "no such field", "did you mean 'sites'?"),
    "unknown field of the network": ("network.yaml", "  names: {zone", "  resolvers: []\n  names: {zone", "resolvers",
        "network.resolvers", "no such field", ""),
    "missing field": (WATER, "title: 水费征收系统\n", "", "system: water-billing",
        "title", "is missing", "add 'title: …'"),
    "a link to a site that there is not": ("sites.yaml", "- {site: dr-b, domain: administrative}",
        "- {site: dr-c, domain: administrative}", "dr-c",
        "sites[0].links[0].site", "there is no other site 'dr-c'", "did you mean 'dr-b'?"),
    "a link in a domain that one end is not in": ("sites.yaml", "- {site: dr-b, domain: administrative}",
        "- {site: dr-b, domain: public}", "domain: public}",
        "sites[0].links[0].domain", "site 'dr-b' has no network in domain 'public'",
        "give 'dr-b' a network in that domain"),
    "missing in all files": ("programme.yaml", "profile: jimo\n", "", "programme: yunhe",
        "profile", "missing in all files", "programme.yaml"),
    "wrong type": ("departments.yaml", "area: 36", "area: wide", "area: wide",
        "departments[0].rooms[0].area", "must be a number; here is 'wide'", ""),
    "a number where a word is meant": (WATER, "title: 水费征收系统", "title: 12", "title: 12",
        "title", "must be a word", "quotes"),
    "a word where a list is meant": (WATER, "on: [water-db]", "on: water-db", "on: water-db",
        "components[0].on", "must be a list", "[a, b]"),
    "a word that is none of a few": (WATER, "frequency: daily", "frequency: dayly", "dayly",
        "survey.frequency", "one of a few words", "did you mean 'daily'?"),
    "a duration without a unit": (WATER, "downtime: 5s", "downtime: 5", "downtime: 5",
        "limits.downtime", "a number and a unit", ""),
    "a name that is not written as one": ("departments.yaml", "name: water-db", "name: Water_DB", "Water_DB",
        "departments[0].rooms[0].hosts[0].name", "not written as", "lower-case"),
    "a prefix with bits of a host": ("departments.yaml", "prefix: 10.14.0.0/24", "prefix: 10.14.0.7/24", "10.14.0.7/24",
        "departments[3].rooms[0].prefix", "must be an IPv4 prefix", "did you mean '10.14.0.0/24'?"),
    "no address": ("departments.yaml", "address: 10.12.0.11", "address: 10.12.0.411", "10.12.0.411",
        "departments[1].rooms[0].hosts[1].address", "must be an IPv4 address", "such as"),
    "a date that is none": (WATER, "approved: 2011-05-20", "approved: 2011-02-30", "2011-02-30",
        "survey.approved", "must be a date", "2017-08-16"),
    "a number in quotes": (WATER, "mlps: 2", "mlps: '2'", "mlps: '2'",
        "grading.mlps", "must be a whole number; here is '2'", "no quotes"),
    "a truth where a number is meant": (WATER, "mlps: 2", "mlps: true", "mlps: true",
        "grading.mlps", "must be a whole number; here is true", "digits"),
    "a word for true": (CASES, "classified: true", "classified: yes", "classified: yes",
        "grading.classified", "must be true or false; here is 'yes'", "did you mean 'true'?"),
    "no finite number": (WATER, "running_cost: 120000", "running_cost: inf", "running_cost",
        "survey.running_cost", "must be a number; here is 'inf'", "such as 120000"),
    "a number where a date is meant": (WATER, "approved: 2011-05-20", "approved: 0", "approved: 0",
        "survey.approved", "must be a date; here is 0", "2017-08-16"),
    "a number where an address is meant": ("departments.yaml", "address: 10.12.0.11", "address: 10", "address: 10,",
        "departments[1].rooms[0].hosts[1].address", "must be an IPv4 address; here is 10", "such as"),
    "a prefix without a length": ("departments.yaml", "prefix: 10.14.0.0/24", "prefix: 10.14.0.0", "10.14.0.0,",
        "departments[3].rooms[0].prefix", "must be an IPv4 prefix", "such as"),
    "one end alone": ("network.yaml", "ends: [civil-ce, civil-hub]", "ends: [civil-ce]", "ends: [civil-ce]",
        "network.lines[2].ends", "member 2 is missing", ""),
    "too many ends": ("network.yaml", "ends: [civil-ce, civil-hub]", "ends: [civil-ce, civil-hub, tax-hub]",
        "ends: [civil-ce, civil-hub, tax-hub]", "network.lines[2].ends", "it may have 2; here is a list", ""),
    "a size that is not written as one": ("programme.yaml", "name: 2c4g", "name: big", "name: big",
        "sizes[1].name", "not written as", "such as 2c4g"),
    "out of range": (WATER, "mlps: 2", "mlps: 6", "mlps: 6",
        "grading.mlps", "out of range", ""),
    "host twice": ("departments.yaml", "name: civil-old", "name: archives-store", None,
        "departments[2].rooms[0].hosts[0].name", "borne by two", "the other is at"),
    "system twice": (ARCHIVE, "system: archive", "system: identity", None,
        "system", "borne by two (systems)", "rename one of them"),
    "line twice": ("network.yaml", "name: civil-private", "name: water-exit", None,
        "network.lines[2].name", "borne by two (lines)", "rename"),
    "component twice": (WATER, "- name: app", "- name: db", "- name: db\n    kind: web",
        "components[1].name", "borne by two", "rename"),
    "no such department": (WATER, "department: water-bureau", "department: water-buro", "water-buro",
        "department", "no department 'water-buro'", "did you mean 'water-bureau'?"),
    "a title where a name is meant": (WATER, "department: water-bureau", "department: 税务局", "税务局",
        "department", "no department '税务局'", "did you mean 'tax-office'?"),
    "no such host": (WATER, "on: [water-app]", "on: [water-ap]", "water-ap]",
        "components[1].on[0]", "no host 'water-ap'", "did you mean 'water-app'?"),
    "no such site": ("systems/identity.yaml", "site: cloud-a", "site: cloud-b", "cloud-b",
        "components[0].to.site", "no site 'cloud-b'", "did you mean 'cloud-a'?"),
    "no such size": ("systems/identity.yaml", "size: 2c4g", "size: 2c8g", "2c8g",
        "components[0].to.size", "no size '2c8g'", "did you mean '2c4g'?"),
    "no such kind": ("systems/identity.yaml", "kind: postgresql", "kind: postgres", "kind: postgres",
        "components[0].kind", "no kind 'postgres'", "did you mean 'postgresql'?"),
    "a kind that serves as an entry": ("systems/notice-board.yaml", "kind: web", "kind: haproxy", "kind: haproxy",
        "components[0].kind", "no kind 'haproxy'", ""),
    "no such vantage": (WATER, "name: pay, kind: write-http, vantage: counter-1",
        "name: pay, kind: write-http, vantage: counter-9", "counter-9",
        "probes[0].vantage", "no vantage 'counter-9'", "did you mean 'counter-1'?"),
    "no such entry": (WATER, '"http://billing.yunhe.example/payments", ', '"http://biling.yunhe.example/payments", ',
        "biling.yunhe", "probes[0].target", "no component has the entry", "did you mean 'billing.yunhe.example'?"),
    "no URL": (WATER, '"http://billing.yunhe.example/payments", ', '"billing.yunhe.example", ',
        '"billing.yunhe', "probes[0].target", "must be a URL", "such as"),
    "nothing to ping": ("network.yaml", "target: 10.11.0.11", "target: water-ap", "water-ap",
        "network.lines[1].probes[0].target", "no host 'water-ap'", "did you mean 'water-app'?"),
    "no such device": ("network.yaml", "ends: [civil-ce, civil-hub]", "ends: [civil-ce, civil-hb]", "civil-hb]",
        "network.lines[2].ends[1]", "no device 'civil-hb'", "did you mean 'civil-hub'?"),
    "a gateway that is no provider edge": ("sites.yaml", "attached_to: pe1", "attached_to: water-ce", "water-ce",
        "sites[1].networks[0].attached_to", "no provider edge 'water-ce'", "pe1"),
    "no such server of names": ("network.yaml", "server: ns1", "server: ns2", "ns2",
        "network.names.server", "no host of the centre 'ns2'", "did you mean 'ns1'?"),
    "a dependency that leads nowhere": (WATER, "depends_on: [identity]", "depends_on: [identities]", "identities",
        "depends_on[0]", "no system 'identities'", "did you mean 'identity'?"),
    "rooms that overlap": ("departments.yaml", "prefix: 10.12.0.0/24", "prefix: 10.11.0.128/25", "10.11.0.128/25",
        "departments[1].rooms[0].prefix", "overlaps 10.11.0.0/24", "renumber one of them, or let its device translate"),
    "a line whose far end is not ours": ("network.yaml", "ends: [civil-ce, civil-hub]", "ends: [civil-ce]",
        "[civil-ce]", "network.lines[2].ends", "member 2 is missing", "not moved by this software yet"),
    "a line of IPv6": ("network.yaml", "prefix: 10.252.14.0/30", 'prefix: "2001:db8::/127"', "2001:db8",
        "network.lines[4].prefix", "IPv6 is not moved by this software yet", "IPv4"),
    "a device with an address of IPv6": ("network.yaml", "router_id: 10.255.0.90", 'router_id: "2001:db8::1"',
        "2001:db8", "network.devices[10].router_id", "IPv6 is not moved by this software yet", "IPv4"),
    "two interfaces of one name": ("network.yaml", "router_id: 10.255.0.90}",
        "router_id: 10.255.0.90, interfaces: [{address: 10.252.21.2, name: eth1}, {address: 10.254.90.2, name: eth1}]}",
        "10.255.0.90", "network.devices[10].interfaces[1].name", "stands twice", "once"),
    "the interface of management": ("network.yaml", "router_id: 10.255.0.90}",
        "router_id: 10.255.0.90, interfaces: [{address: 10.252.21.2, name: mgmt}]}",
        "10.255.0.90", "network.devices[10].interfaces[0].name", "managed in the twin", "leave it out"),
    "a name that no interface can have": ("network.yaml", "router_id: 10.255.0.90}",
        "router_id: 10.255.0.90, interfaces: [{address: 10.252.21.2, name: Gi0/0/1}]}",
        "10.255.0.90", "network.devices[10].interfaces[0].name", "Gi0/0/1", "such as eth3"),
    "a device that speaks OSPF": ("network.yaml", "router_id: 10.255.0.90}", "router_id: 10.255.0.90, ospf: 0}", "ospf",
        "network.devices[10].ospf", "no such field", "ospf is not moved by this software yet"),
    "a line in a VRF": ("network.yaml", "prefix: 10.252.14.0/30", "prefix: 10.252.14.0/30\n      vrf: tax", "vrf: tax",
        "network.lines[4].vrf", "no such field", "vrf is not moved by this software yet"),
    "a link that is no link": ("network.yaml", "prefix: 10.252.14.0/30", "prefix: 10.252.14.0/29", "10.252.14.0/29",
        "network.lines[4].prefix", "is a /30", "10.252.14.0/30"),
    "address outside its room": ("departments.yaml", "address: 10.11.0.11", "address: 10.12.0.99", "10.12.0.99",
        "departments[0].rooms[0].hosts[1].address", "is not in 10.11.0.0/24", "its network's addresses"),
    "address of the gateway": ("departments.yaml", "address: 10.11.0.11", "address: 10.11.0.1", "10.11.0.1,",
        "departments[0].rooms[0].hosts[1].address", "its gateway's", "10.11.0.2 to 10.11.0.254"),
    "address used twice": ("departments.yaml", "address: 10.11.0.11", "address: 10.11.0.10", "water-app",
        "departments[0].rooms[0].hosts[1].address", "used twice", "departments[0].rooms[0].hosts[0].address"),
    "target that another system has": ("systems/identity.yaml", "[10.60.1.31]", "[10.60.1.21]", None,
        "components[0].to.addresses[0]", "used twice", "the other is at"),
    "target that the entry has": ("systems/identity.yaml", "[10.60.1.31]", "[10.60.1.10]", "10.60.1.10",
        "components[0].to.addresses[0]", "used twice", "entry"),
    "target outside its site": ("systems/identity.yaml", "[10.60.1.31]", "[10.61.1.31]", "10.61.1.31",
        "components[0].to.addresses[0]", "no network of the site 'cloud-a' has", "10.60.1.0/24"),
    "target in another domain": ("systems/identity.yaml", "domain: administrative", "domain: public", "addresses",
        "components[0].to.addresses[0]", "lies in the domain 'administrative'", "public"),
    "two routers of one id": ("network.yaml", "router_id: 10.255.0.90", "router_id: 10.255.0.84", "name: exit",
        "network.devices[10].router_id", "used twice", "network.devices[9].router_id"),
    "a line without a circuit": ("network.yaml",
        "    - {device: civil-hub, edge: pe2", "    - {device: tax-hub, edge: pe2",
        "ends: [civil-ce, civil-hub]", "network.lines[2].ends[1]", "has no circuit into the domain", "attachments"),
    "classified with a disposition": (CASES, "grading:", "disposition: rehost\ngrading:", "disposition",
        "disposition", "only that it exists", "remove 'disposition'"),
    "classified with components": (CASES, "grading:",
        "components:\n  - {name: db, kind: web, on: [civil-db], settings: {root: /srv}}\ngrading:", "components:",
        "components", "only that it exists", "remove 'components'"),
    "classified with a level": (CASES, "classified: true", "classified: true, mlps: 3", "mlps: 3",
        "grading.mlps", "no MLPS level", "remove 'mlps'"),
    "a dependency on a classified system": (WATER, "depends_on: [identity]", "depends_on: [case-files]", "case-files",
        "depends_on[0]", "is classified", "remove it"),
    "a golden line that is to move": ("network.yaml",
        "golden_project: 金税", "golden_project: 金税\n      domain: public",
        "domain: public\n\n", "network.lines[4].domain", "golden project 金税", "remove 'domain'"),
    "a disposition against the rule": (WATER, "domain: administrative", "disposition: rehost\ndomain: administrative",
        "disposition", "disposition", "by rule the disposition is 'replatform'", "override"),
    "half a move": (WATER,
        ("    to: {site: cloud-a, size: 1c1g, addresses: [10.60.1.22]}\n"
         "    entry: {name: billing.yunhe.example, port: 80}\n"),
        "    entry: {name: billing.yunhe.example, port: 80}\n", "- name: app",
        "components[1].to", "no target", "retire"),
    "no such office": (WATER, "domain: administrative", "domain: administrative\noffice: finance", "office:",
        "office", "the department has no office 'finance'", ""),
    "no such building": ("departments.yaml", "title: 税务局\n", "title: 税务局\n    building: hall\n", "building: hall",
        "departments[3].building", "no building 'hall'", ""),
    "another department that is none": (WATER, "domain: administrative",
        "domain: administrative\nalso_reported_by: [water-buro]", "also_reported",
        "also_reported_by[0]", "no department 'water-buro'", "did you mean 'water-bureau'?"),
    "replaceable by nothing": (WATER, "running_cost: 120000", "running_cost: 120000\n  replaceable_by: identty",
        "replaceable_by", "survey.replaceable_by", "no system 'identty'", "did you mean 'identity'?"),
    "into nothing": (WATER, "domain: administrative",
        ("disposition: merge\ninto: identty\noverride: {reason: one stays, date: 2018-01-05}\n"
         "domain: administrative"),
        "into:", "into", "no system or platform 'identty'", "did you mean 'identity'?"),
    "into itself": (WATER, "domain: administrative",
        ("disposition: merge\ninto: water-billing\noverride: {reason: one stays, date: 2018-01-05}\n"
         "domain: administrative"),
        "into:", "into", "take each other's place in a circle: water-billing → water-billing", "the one that stays"),
    "a merger into nobody knows what": (WATER, "domain: administrative",
        "disposition: merge\noverride: {reason: one stays, date: 2018-01-05}\ndomain: administrative", None,
        "into", "nothing says into what", "add into"),
    "a successor of what stays": (WATER, "domain: administrative", "into: identity\ndomain: administrative", "into:",
        "into", "its disposition is 'replatform'", "remove 'into'"),
    "an override of nothing": (WATER, "domain: administrative",
        "override: {reason: because, date: 2018-01-05}\ndomain: administrative", "override:",
        "override", "says what becomes of the system", "add disposition"),
    "an override without a reason": (WATER, "domain: administrative",
        'disposition: leave\noverride: {reason: " ", date: 2018-01-05}\ndomain: administrative', "override:",
        "override.reason", "the reason is empty", "say what"),
    "an exemption that ends before it begins": ("departments.yaml", "area: 36",
        "area: 36\n        exemption: {reason: secrecy, granted: 2018-03-01, until: 2018-02-01}", "exemption",
        "departments[0].rooms[0].exemption.until", "2018-02-01 lies before exemption.granted (2018-03-01)", "mend one"),
    "works with nothing": (WATER, "domain: administrative",
        "domain: administrative\nexchange: {works_with: [archives]}", "exchange:",
        "exchange.works_with[0]", "no system 'archives'", "did you mean 'archive'?"),
    "a record of nothing": ("programme.yaml", "profile: jimo",
        "profile: jimo\nrecords:\n  - {kind: drill, subject: dr-c, date: 2018-01-05}", "dr-c",
        "records[0].subject", "nothing in the inventory is called 'dr-c'", "did you mean 'dr-b'?"),
    "a record of no line": ("programme.yaml", "profile: jimo",
        "profile: jimo\nrecords:\n  - {kind: verified, subject: 'line:dr-b', date: 2018-01-05}", "line:",
        "records[0].subject", "nothing in the inventory is called 'dr-b'", ""),
    "a platform that serves nobody": ("programme.yaml", "profile: jimo",
        "profile: jimo\nplatforms:\n  - {name: portal, title: 门户, kind: portal, served: [water]}", "served",
        "platforms[0].served[0]", "no department 'water'", "water-bureau"),
    "a platform with a system's name": ("programme.yaml", "profile: jimo",
        "profile: jimo\nplatforms:\n  - {name: identity, title: 身份认证, kind: identity}", "name: identity",
        "platforms[0].name", "borne by two (systems and platforms)", "rename"),
    "a resource of no system": ("programme.yaml", "profile: jimo",
        "profile: jimo\nresources:\n  - {name: bills, title: 账单, department: water-bureau, system: water}",
        "system: water",
        "resources[0].system", "no system 'water'", "water-billing"),
    "a resource for no library": ("programme.yaml", "profile: jimo",
        "profile: jimo\nresources:\n  - {name: bills, title: 账单, department: water-bureau, library: archive}",
        "library",
        "resources[0].library", "no base or theme library 'archive'", ""),
    "a refusal without a reason": ("programme.yaml", "profile: jimo", (
        "profile: jimo\nresources:\n  - {name: bills, title: 账单, department: water-bureau}\nrequests:\n"
        "  - {name: r-1, resource: bills, department: tax-office, asked: 2018-01-05, answered: 2018-01-09, "
         "granted: false}"
        ), "r-1", "requests[0].reason", "a refusal gives its reason", "add reason"),
    "an answer before the question": ("programme.yaml", "profile: jimo", (
        "profile: jimo\nresources:\n  - {name: bills, title: 账单, department: water-bureau}\nrequests:\n"
        "  - {name: r-1, resource: bills, department: tax-office, asked: 2018-01-05, answered: 2017-01-09, "
         "granted: true}"
        ), "r-1", "requests[0].answered", "2017-01-09 lies before asked", "mend one"),
    "a request for nothing": ("programme.yaml", "profile: jimo", (
        "profile: jimo\nrequests:\n  - {name: r-1, resource: bills, department: tax-office, asked: 2018-01-05}"),
        "r-1", "requests[0].resource", "no data resource 'bills'", ""),
    "a host without an address": ("departments.yaml", "name: water-db, address: 10.11.0.10", "name: water-db",
        "water-db", "departments[0].rooms[0].hosts[0].address", "'address' is missing", "add it"),
    "a room without its way out": ("departments.yaml", "        prefix: 10.13.0.0/24\n", "", "name: archives-room",
        "departments[2].rooms[0].prefix", "for the system 'archive': 'prefix' is missing", "add it"),
    "a line that nobody has surveyed": ("network.yaml", "      ends: [civil-ce, civil-hub]\n", "", "civil-private",
        "network.lines[2].ends", "needs 'ends'", "leave the domain out"),
    "an extranet without names": ("network.yaml", "  names: {zone: yunhe.example, server: ns1, ttl: 1s}", "",
        "domains:", "network.names", "moves, and the extranet has no 'names'", "add names"),
    "a setting that there is not": (WATER, BILLING, "{database: billing, databse: x}", "databse",
        "components[0].settings.databse", "no such setting", "did you mean 'database'?"),
    "a setting that is missing": (WATER, BILLING, "{}", "settings: {}",
        "components[0].settings.database", "need the setting 'database'", "add it"),
    "a setting that does not fit": (WATER, BILLING, "{database: billing, port: 0}", "port: 0",
        "components[0].settings.port", "does not fit kind 'postgresql' (minimum)", "minimum 1"),
    "a setting of the wrong type": (WATER, BILLING, "{database: 5}", "database: 5",
        "components[0].settings.database", "does not fit kind 'postgresql' (type)", "must be a word"),
    "a setting that is none of a few": (WATER, BILLING, "{database: billing, pooling: x}", "pooling: x",
        "components[0].settings.pooling", "does not fit kind 'postgresql' (enum)", "one of: "),
    "an entry that the kind cannot have": (ARCHIVE, "    kind: files\n",
        "    kind: files\n    entry: {name: files.yunhe.example, port: 80}\n", "files.yunhe", "components[0].entry",
        "have no entry", "remove 'entry'"),
    "key twice": (WATER, "title: 水费征收系统", "title: 水费征收系统\ntitle: again", "title: again",
        "", "second time", "line 3"),
    "a tab": (WATER, "  function: ", "\tfunction: ", "\tfunction", "", "a tab", "indent with spaces"),
    "an alias": (WATER, "domain: administrative", "domain: &d administrative", "&d",
        "", "anchors and aliases", "write the value"),
    "a tag": (WATER, "domain: administrative", "domain: !!str administrative", "!!str",
        "", "tags are not used", "remove"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_place_reason_and_mend(folder: Path, name: str) -> None:
    file, old, new, marker, field, reason, mend = MISTAKES[name]
    edit(folder, file, old, new)
    findings = found(folder)
    told = [each for each in findings if each.field == field and reason in each.reason]
    assert len(told) == 1, written(findings)
    assert mend in told[0].mend
    assert told[0].severity is Severity.ERROR
    if marker is not None:
        text = (folder / file).read_text()
        assert told[0].file == folder / file
        line = text[: text.index(marker)].count("\n") + 1
        assert told[0].line == line
    assert check(folder, KINDS).programme is None


def test_all_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    edit(folder, WATER, "running_cost: 120000", "runing_cost: 120000")
    edit(folder, "departments.yaml", "area: 36", "area: wide")
    edit(folder, "systems/identity.yaml", "size: 2c4g", "size: 2c8g")
    edit(folder, "network.yaml", "server: ns1", "server: ns2")
    edit(folder, CASES, "grading:", "depends_on: [archive]\ngrading:")
    (folder / "notes.yaml").write_text("a: [1\n")
    with pytest.raises(InventoryErrors) as error:
        load_programme(folder)
    places = {(each.file.relative_to(folder).as_posix(), each.field) for each in error.value.findings
              if each.severity is Severity.ERROR}  # fmt: skip
    assert places == {
        (WATER, "survey.runing_cost"),
        ("departments.yaml", "departments[0].rooms[0].area"),
        ("systems/identity.yaml", "components[0].to.size"),
        ("network.yaml", "network.names.server"),
        (CASES, "depends_on"),
        ("notes.yaml", ""),
    }


def test_what_is_wrong_in_one_respect_is_still_there_for_others(folder: Path) -> None:
    edit(folder, "departments.yaml", "name: water-db, address: 10.11.0.10", "name: water-db, address: nowhere")
    assert [each.field for each in found(folder)] == ["departments[0].rooms[0].hosts[0].address"]


def test_a_circle_of_dependencies_is_told_once_with_its_way(folder: Path) -> None:
    edit(folder, "systems/identity.yaml", "limits:", "depends_on: [archive]\nlimits:")
    edit(folder, ARCHIVE, "limits:", "depends_on: [water-billing]\nlimits:")
    reasons = [each.reason for each in found(folder)]
    assert reasons == ["systems depend on each other in a circle: archive → water-billing → identity → archive"]


def test_systems_that_each_take_the_others_place(folder: Path) -> None:
    """By rule both would retire, and nobody would do their work."""
    edit(folder, ARCHIVE, "survey:\n", "survey:\n  replaceable_by: water-billing\n")
    edit(folder, WATER, "domain:", "into: archive\ndomain:")
    reasons = [each.reason for each in found(folder) if each.rule == "circle"]
    assert reasons == ["systems take each other's place in a circle: archive → water-billing → archive"]


def test_a_system_that_depends_on_itself(folder: Path) -> None:
    edit(folder, WATER, "depends_on: [identity]", "depends_on: [water-billing]")
    assert ["water-billing → water-billing" in each.reason for each in found(folder)] == [True]


def test_prefixes_overlap_within_a_domain_and_not_across_two(folder: Path) -> None:
    edit(folder, "sites.yaml", "    links:\n      - {site: dr-b, domain: administrative}\n", "")
    edit(folder, "sites.yaml", "domain: administrative, prefix: 10.70.1.0/24", "domain: public, prefix: 10.60.1.0/24")
    assert found(folder) == ()
    edit(folder, "sites.yaml", "domain: public, prefix: 10.60.1.0/24", "domain: administrative, prefix: 10.60.1.0/24")
    assert [each.field for each in found(folder) if "overlaps" in each.reason] == ["sites[1].networks[0].prefix"]


def test_the_same_addresses_of_departments_that_never_meet_are_a_decision_and_no_error(folder: Path) -> None:
    """The tax office's device has a line to its own hub alone."""
    edit(folder, "departments.yaml", "prefix: 10.14.0.0/24", "prefix: 10.13.0.0/24")
    (said,) = (each for each in check(folder, KINDS).findings if "overlaps" in each.reason)
    assert said.severity is Severity.WARNING
    assert said.reason == (
        "the same addresses are used behind tax-ce and archives-ce: 10.13.0.0/24 overlaps 10.13.0.0/24"
    )
    edit(folder, "network.yaml", "ends: [tax-ce, tax-hub]", "ends: [tax-ce, archives-ce]")
    assert [each.field for each in found(folder) if "overlaps" in each.reason] == ["departments[3].rooms[0].prefix"]


def test_a_link_may_be_a_31(folder: Path) -> None:
    edit(folder, "network.yaml", "prefix: 10.252.11.0/30", "prefix: 10.252.11.0/31")
    assert found(folder) == ()
    ends = [wire for wire in interfaces(load_programme(folder)) if wire.link == "line:water-leased"]
    assert [str(wire.address) for wire in ends] == ["10.252.11.0/31", "10.252.11.1/31"]
    assert [str(wire.peer_address) for wire in ends] == ["10.252.11.1", "10.252.11.0"]


def test_a_device_must_not_be_named_like_a_host(folder: Path) -> None:
    edit(folder, "network.yaml", "name: ns1, number", "name: pe1, number")
    assert ["hosts and devices" in each.reason for each in found(folder) if "borne" in each.reason] == [True]


@pytest.mark.parametrize(
    "setting",
    [
        "password: hunter2",
        "db_password: hunter2",
        "root: 'postgres://app:hunter2@10.11.0.10/billing'",
        "root: 'host=db password=hunter2'",
        "nested: {api_key: hunter2}",
        "tokens: {token: hunter2}",
    ],
)
def test_a_secret_is_told_and_not_shown(folder: Path, setting: str) -> None:
    edit(folder, WATER, BILLING, f"{{database: billing, {setting}}}")
    line = (folder / WATER).read_text().split("settings: {")[0].count("\n") + 1
    findings = found(folder)
    assert any("looks like a secret" in each.reason and each.line == line for each in findings), written(findings)
    assert "hunter2" not in written(findings)
    assert "hunter2" not in str(InventoryErrors(findings))


def test_a_reference_to_a_secret_is_none(folder: Path) -> None:
    edit(folder, WATER, BILLING, "{database: billing, password: 'vault:billing/db'}")
    assert not any("secret" in each.reason for each in found(folder))


def test_a_secret_in_a_known_field_of_the_wrong_type_is_not_shown(folder: Path) -> None:
    edit(folder, "departments.yaml", "area: 36", "area: 'password=hunter2'")
    findings = found(folder)
    assert len(findings) == 2
    assert "hunter2" not in written(findings)


def test_two_hundred_mistakes_are_readable(folder: Path) -> None:
    rows = "\n".join(f"      - {{name: 9c{n}g, cpus: none, memory: 0, color: red}}" for n in range(70))
    (folder / "more.yaml").write_text("sizes:\n" + rows + "\n")
    text = written(found(folder))
    assert text.endswith("errors: 210, warnings: 0, suggestions: 0, files: 1")
    assert "and 170 more" in text
    assert text.count(str(folder)) == 2
    assert len(text.splitlines()) < 100
    assert max(len(line) for line in text.splitlines()) < 200


def test_a_name_that_no_golden_project_has_is_a_warning(folder: Path) -> None:
    edit(folder, "network.yaml", "golden_project: 金税", "golden_project: 金锐")
    result = check(folder, KINDS)
    assert [each.severity for each in result.findings if each.rule == "golden-project"] == [Severity.WARNING]
    assert result.programme is not None
