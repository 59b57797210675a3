"""A department with an internet exit of its own and a line to its ministry: at the far ends nobody of ours logs in."""

from typing import Any

from inventory.model import Programme

CE, SHARED, CARRIER, MINISTRY = "water-ce", "exit", "mobile", "ministry-hub"
OUT, UP, UPWARDS = "water-internet", "extranet-uplink", "water-ministry"
DESK, CITIZEN, CLERK = "10.11.0.20", "203.0.113.10", "10.90.0.10"


def document() -> dict[str, Any]:
    """Return it as an inventory says it."""
    device = {"platform": "frr"}
    room = {"name": "water-room", "area": 9, "prefix": "10.11.0.0/24", "gateway": CE}
    return {
        "programme": "outward", "title": "outward", "profile": "jimo", "sites": [], "sizes": [], "systems": [],
        "departments": [{"name": "water", "title": "水务局", "rooms": [room]}, {"name": "data", "title": "大数据局"}],
        "network": {
            "domains": [{"name": "administrative", "title": "administrative"}],
            "devices": [
                {**device, "name": "pe1", "role": "pe", "asn": 65101, "router_id": "10.255.0.1"},
                {**device, "name": CE, "role": "ce", "asn": 65211, "router_id": "10.255.0.11"},
                {**device, "name": SHARED, "role": "hub", "asn": 65290, "router_id": "10.255.0.90"},
                {**device, "name": CARRIER, "role": "hub", "asn": 65300, "router_id": "198.51.100.9",
                 "operated_by": "云河移动"},
                {**device, "name": MINISTRY, "role": "hub", "asn": 65310, "router_id": "10.255.0.99",
                 "operated_by": "省水利厅"},
            ],
            "attachments": [
                {"device": name, "edge": "pe1", "domain": "administrative", "prefix": f"10.254.{number}.0/30"}
                for name, number in ((CE, 11), (SHARED, 90), (MINISTRY, 99))
            ],
            "lines": [
                {"name": OUT, "department": "water", "kind": "internet-exit", "ends": [CE, CARRIER],
                 "prefix": "198.51.100.0/30", "domain": "administrative", "carrier": "云河移动", "rent": 48000,
                 "probes": [{"name": "desk-to-internet", "kind": "ping", "vantage": "desk-1", "target": CITIZEN,
                             "every": "10ms"}]},
                {"name": UP, "department": "data", "kind": "internet-exit", "ends": [SHARED, CARRIER],
                 "prefix": "198.51.100.4/30"},
                {"name": UPWARDS, "department": "water", "kind": "leased", "ends": [CE, MINISTRY],
                 "prefix": "10.252.99.0/30", "domain": "administrative", "carrier": "云河电信", "rent": 60000,
                 "probes": [{"name": "clerk-to-desk", "kind": "ping", "vantage": "clerk-1", "target": DESK,
                             "every": "10ms"},
                            {"name": "desk-to-clerk", "kind": "ping", "vantage": "desk-1", "target": CLERK,
                             "every": "10ms"}]},
            ],
            "exits": [{"domain": "administrative", "device": SHARED, "uplink": UP, "addresses": ["198.51.100.4/30"],
                       "answers": CITIZEN}],
            "vantages": [
                {"name": "desk-1", "address": DESK, "prefix": "10.11.0.0/24", "gateway": CE},
                {"name": "citizen-1", "address": CITIZEN, "prefix": "203.0.113.0/24", "gateway": CARRIER},
                {"name": "clerk-1", "address": CLERK, "prefix": "10.90.0.0/24", "gateway": MINISTRY},
            ],
            "centre": {"gateway": "pe1", "networks": [{"domain": "administrative", "prefix": "10.50.1.0/24"}],
                       "hosts": [{"name": "ns1", "number": 53}]},
            "names": {"zone": "outward.example", "server": "ns1", "ttl": "1s"},
        },
    }  # fmt: skip


def outward() -> Programme:
    """Return it as a programme."""
    return Programme.model_validate(document())
