"""Programmes of any size, made up from a seed: the same size and seed give the same files on every machine.

One system in a file of its own and one file for each department, as an import writes them; five hosts for each system.
Everything in them is whole and sound, so what a check says of them is nothing.
"""

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import yaml

from inventory.files.schema import schema_header

HOSTS_A_SYSTEM = 5
SYSTEMS_A_DEPARTMENT = 20
DOMAINS = ("administrative", "public")
EDGES = ("pe1", "pe2")
OWNERS = ("水务", "民政", "财政", "教育", "交通", "卫生健康", "自然资源", "农业农村", "市场监管", "文化旅游", "应急")
OBJECTS = (
    "水费", "婚姻登记", "预算", "学籍", "车辆", "病历", "土地", "农机", "企业", "景区", "预案", "房屋", "档案", "许可",
    "人口", "投诉", "合同", "补贴", "工程", "票据", "干部", "会议", "资产", "信访", "排污", "食品", "养老", "就业",
)  # fmt: skip
DEEDS = ("征收", "登记", "审批", "监管", "查询", "统计", "申报", "调度", "核验", "公示", "归档", "评估", "预警", "结算")
Document = dict[str, Any]


class Addresses:
    """Gives out the addresses and small networks of one range, one after the other."""

    def __init__(self, network: str) -> None:
        self.network = IPv4Network(network)
        self.given = 16

    def host(self) -> str:
        """Return the next address."""
        self.given += 1
        return str(self.network[self.given])

    def link(self) -> str:
        """Return the next network of two ends."""
        self.given += 4
        return f"{self.network[self.given - self.given % 4]}/30"


def _day(chance: random.Random, first: int, last: int) -> str:
    start = date(first, 1, 1)
    return (start + timedelta(days=chance.randrange((date(last, 12, 31) - start).days))).isoformat()


def _title(number: int) -> tuple[str, str]:
    deed, rest = DEEDS[number % len(DEEDS)], number // len(DEEDS)
    thing, rest = OBJECTS[rest % len(OBJECTS)], rest // len(OBJECTS)
    region = f"第{rest}片区" if rest else ""
    return f"{region}{thing}{deed}系统", f"{region}{thing}的{deed}与日常管理"


def department(number: int, hosts: Sequence[str]) -> Document:
    """Return one department with its machine room; `hosts` are the names of its servers."""
    name = f"dept-{number}"
    prefix = IPv4Network((int(IPv4Address("10.64.0.0")) + number * 256, 24))
    servers = [
        {"name": host, "address": str(prefix[10 + each]), "cpus": 4, "memory": 8192, "storage": 500}
        for each, host in enumerate(hosts)
    ]
    room = {
        "name": f"{name}-room", "title": "机房", "area": 20 + number % 30, "prefix": str(prefix),
        "gateway": f"{name}-ce", "hosts": servers,
    }  # fmt: skip
    owner = f"{OWNERS[number % len(OWNERS)]}局" + (str(number // len(OWNERS)) if number >= len(OWNERS) else "")
    return {"departments": [{"name": name, "title": owner, "rooms": [room]}]}


def system(number: int, hosts: Sequence[str], targets: Mapping[str, Addresses], chance: random.Random) -> Document:
    """Return one system on the hosts of its department."""
    title, function = _title(number)
    domain = DOMAINS[number % 2]
    addresses = targets[domain]
    return {
        "system": f"system-{number}",
        "title": title,
        "department": f"dept-{number // SYSTEMS_A_DEPARTMENT}",
        "survey": _survey(number, function, chance),
        "grading": {"mlps": 2 + number % 2},
        "domain": domain,
        "components": [
            {"name": "db", "kind": "postgresql", "on": [hosts[0]], "settings": {"database": f"base_{number}"},
             "to": {"site": "cloud-a", "size": "2c4g", "addresses": [addresses.host()]},
             "entry": {"name": f"db-{number}.bench.example", "port": 5432}},
            {"name": "app", "kind": "web", "on": list(hosts[1:]), "settings": {"root": f"/srv/app-{number}"},
             "to": {"site": "cloud-a", "size": "1c1g", "addresses": [addresses.host(), addresses.host()]},
             "entry": {"name": f"app-{number}.bench.example", "port": 80}},
        ],
        "depends_on": [f"system-{chance.randrange(number)}"] if number and number % 3 == 0 else [],
        "limits": {"downtime": "2s", "data_loss": "0s", "catch_up": "2m"},
    }  # fmt: skip


def _survey(number: int, function: str, chance: random.Random) -> Document:
    return {
        "number": f"XT-{number:05}",
        "function": function,
        "users": chance.choice(("department", "district", "city", "public")),
        "user_count": chance.randrange(5, 5000),
        "frequency": chance.choice(("daily", "weekly", "monthly")),
        "approved_by": "发展和改革局",
        "approved": _day(chance, 2004, 2016),
        "funding": "财政拨款",
        "channel": "部门预算",
        "builder": "软件公司",
        "investment": chance.randrange(10, 500) * 10000,
        "running_cost": chance.randrange(1, 50) * 10000,
        "network": "部门专网",
        "usage": {"cpus": 4, "memory": 8192, "storage": 200},
        "launched": _day(chance, 2005, 2016),
        "maintained": True,
        "in_process": True,
        "surveyed": "2017-09-30",
    }


def network(departments: int) -> Document:
    """Return the extranet with a device, a circuit and a leased line for each department."""
    devices: list[Document] = [_device(edge, "pe", 65001 + n, 1 + n) for n, edge in enumerate(EDGES)]
    attachments: list[Document] = []
    lines: list[Document] = []
    circuits, rented = Addresses("172.16.0.0/14"), Addresses("172.20.0.0/14")
    for number in range(departments):
        ends = [f"dept-{number}-{role}" for role in ("ce", "hub")]
        for each, (end, role) in enumerate(zip(ends, ("ce", "hub"), strict=True)):
            devices.append(_device(end, role, 4200000000 + 2 * number + each, 256 + 2 * number + each))
            attachments += [
                {"device": end, "edge": EDGES[each], "domain": domain, "prefix": circuits.link()} for domain in DOMAINS
            ]
        lines.append(
            {"name": f"line-{number}", "department": f"dept-{number}", "kind": "leased", "ends": ends,
             "prefix": rented.link(), "domain": DOMAINS[number % 2], "rent": 36000, "bandwidth": 100}
        )  # fmt: skip
    return {"network": {
        "domains": [{"name": name, "title": name} for name in DOMAINS],
        "devices": devices, "attachments": attachments, "lines": lines,
        "backbone": [
            {"ends": list(EDGES), "domain": name, "prefix": f"172.24.{n}.0/30"} for n, name in enumerate(DOMAINS)
        ],
        "centre": {"gateway": "pe1", "hosts": [{"name": "ns1", "number": 53}],
                   "networks": [{"domain": name, "prefix": f"10.50.{n}.0/24"} for n, name in enumerate(DOMAINS)]},
        "names": {"zone": "bench.example", "server": "ns1", "ttl": "1s"},
    }}  # fmt: skip


def _device(name: str, role: str, asn: int, number: int) -> Document:
    router = str(IPv4Address(int(IPv4Address("100.64.0.0")) + number))
    return {"name": name, "role": role, "platform": "frr", "asn": asn, "router_id": router}


def _sites() -> Document:
    networks = [
        {"name": f"cloud-{name}", "domain": name, "prefix": f"10.{192 + n}.0.0/16", "attached_to": "pe2",
         "entry": f"10.{192 + n}.0.5"}
        for n, name in enumerate(DOMAINS)
    ]  # fmt: skip
    return {"sites": [{"name": "cloud-a", "title": "政务云", "role": "primary", "networks": networks}]}


def documents(systems: int, seed: int = 0) -> Iterator[tuple[str, Document]]:
    """Yield the files of a programme: their paths inside its folder and their documents, as plain values."""
    chance = random.Random(seed)
    departments = -(-systems // SYSTEMS_A_DEPARTMENT)
    sizes = [{"name": f"{n}c{g}g", "cpus": n, "memory": g * 1024} for n, g in ((1, 1), (2, 4))]
    yield "programme.yaml", {"programme": "bench", "title": "基准", "profile": "jimo", "sizes": sizes}
    yield "sites.yaml", _sites()
    yield "network.yaml", network(departments)
    targets = {name: Addresses(f"10.{192 + n}.0.0/16") for n, name in enumerate(DOMAINS)}
    for owner in range(departments):
        owned = range(owner * SYSTEMS_A_DEPARTMENT, min(systems, (owner + 1) * SYSTEMS_A_DEPARTMENT))
        hosts = {number: [f"host-{number}-{n}" for n in range(HOSTS_A_SYSTEM)] for number in owned}
        yield f"departments/dept-{owner}.yaml", department(owner, [name for names in hosts.values() for name in names])
        for number in owned:
            yield f"systems/system-{number}.yaml", system(number, hosts[number], targets, chance)


def write(folder: Path, systems: int, seed: int = 0) -> None:
    """Write a programme into a folder that does not exist yet."""
    for name in ("departments", "systems"):
        (folder / name).mkdir(parents=True)
    for name, document in documents(systems, seed):
        text = yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=120)
        (folder / name).write_text(f"{schema_header(folder / name, folder)}\n{text}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a programme of made-up systems.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--systems", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    write(wanted.folder, wanted.systems, wanted.seed)
