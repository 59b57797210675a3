"""Puts into the laboratory's OpenStack what is there before an operator comes: catalogue, flavors, images, a project.

furnishing.py catalogue|furnish, run by the Python of the services; LAB_PASSWORD is the administrator's, LAB_WORK the
folder in which clouds.yaml is written.
"""

import json
import os
import secrets
import sys
import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import openstack

from infra.laboratory.inside.settings import IDENTITY, REGION, SERVICES

OPERATOR, PROJECT = "operator", "government"
FAULTY = "Faulty"
"""A second region with the same services behind other ports, at which tests put faults between client and service."""
FAULTY_OFFSET = 20000
DOMAINS = {"user_domain_name": "Default", "project_domain_name": "Default"}


def _login(user: str, password: str, project: str) -> dict[str, str]:
    return {"auth_url": IDENTITY, "username": user, "password": password, "project_name": project, **DOMAINS}


def catalogue(cloud: Any) -> None:
    """List the services, and let the administrator speak for them."""
    cloud.identity.create_region(id=FAULTY)
    for name, (kind, port, path) in SERVICES.items():
        service = cloud.identity.create_service(name=name, type=kind)
        for region, offset in ((REGION, 0), (FAULTY, FAULTY_OFFSET)):
            for interface in ("public", "internal"):
                url = f"http://127.0.0.1:{port + offset}{path}"
                cloud.identity.create_endpoint(
                    service_id=service.id, interface=interface, region_id=region, url=url
                )  # fmt: skip
    admin, project = cloud.identity.find_user("admin"), cloud.identity.find_project("admin")
    cloud.identity.assign_project_role_to_user(project.id, admin.id, cloud.identity.find_role("service").id)


def furnish(cloud: Any) -> None:
    """Make flavors, images, the network outside, and a project with its operator; wait for the hypervisors."""
    asked = json.loads(Path(os.environ["LAB_WORK"], "furniture.json").read_text())
    for name, flavor in asked["flavors"].items():
        # Of a flavor without a disk only volumes may be started.
        cloud.compute.create_flavor(name=name, ram=flavor["memory"], vcpus=flavor["cpus"], disk=1)
    for name in asked["images"]:
        # Servers start from the folder of that name; what is uploaded is never read.
        cloud.image.create_image(
            name=name, data=os.urandom(1 << 16), disk_format="raw", container_format="bare", visibility="public"
        )
    for number, uplink in enumerate(asked["uplinks"]):
        lead_out(cloud, number, uplink["name"], ip_network(uplink["prefix"]))
    project = cloud.identity.create_project(name=PROJECT, domain_id="default")
    secret = secrets.token_hex(8)
    user = cloud.identity.create_user(name=OPERATOR, password=secret, domain_id="default")
    cloud.identity.assign_project_role_to_user(project.id, user.id, cloud.identity.find_role("member").id)
    logins = {"admin": _login("admin", os.environ["LAB_PASSWORD"], "admin"), PROJECT: _login(OPERATOR, secret, PROJECT)}
    regions = [{"name": name, "values": {}} for name in (REGION, FAULTY)]
    clouds = {name: {"auth": login, "region_name": REGION, "regions": regions} for name, login in logins.items()}
    # JSON is YAML.
    Path(os.environ["LAB_WORK"], "clouds.yaml").write_text(json.dumps({"clouds": clouds}))
    while sum(each.state == "up" for each in cloud.compute.services(binary="nova-compute")) < 3:
        time.sleep(0.3)


def lead_out(cloud: Any, number: int, name: str, prefix: Any) -> None:
    """Make a network outside, over the switch of its number."""
    outside = cloud.network.create_network(
        name=name, is_router_external=True, provider_network_type="flat", provider_physical_network=f"physnet{number}"
    )
    cloud.network.create_subnet(
        network_id=outside.id, ip_version=4, cidr=str(prefix), is_dhcp_enabled=False, gateway_ip=str(prefix[1]),
        allocation_pools=[{"start": str(prefix[2]), "end": str(prefix[min(200, prefix.num_addresses - 2)])}],
    )  # fmt: skip


def main() -> None:
    """Do the part that the command names, as the administrator."""
    login: dict[str, Any] = _login("admin", os.environ["LAB_PASSWORD"], "admin")
    cloud = openstack.connect(region_name=REGION, **login)
    {"catalogue": catalogue, "furnish": furnish}[sys.argv[1]](cloud)


if __name__ == "__main__":
    main()
