"""What it costs to make a site in an OpenStack, beside Pulumi alone and beside nova alone, in one laboratory.

    ours        a site of two hosts: looked at beforehand, made, looked at once more, its hosts' keys admitted
    bare        the very same resources by Pulumi's own command, which does none of that
    nova        twelve servers at once through nova's API alone, whose networks and ports are there already
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.ground import Result, conditions, report, tell
from infra.declaration import SiteDeclaration
from infra.engine import SitesAlone
from infra.laboratory.furniture import USUAL
from infra.laboratory.inside.furnishing import PROJECT
from infra.laboratory.laboratory import Laboratory
from infra.openstack import connection
from infra.parts import toolchain
from infra.twin.namespaces import inside
from infra.worlds import CloudSettings, World

CLOUD = CloudSettings(backend="openstack", endpoint=PROJECT)
HYPERVISORS = 3
BARE = """
from pathlib import Path
from infra.backends import backend_of
from infra.declaration import SiteDeclaration
from infra.program import declare
from infra.worlds import CloudSettings
site = SiteDeclaration.model_validate_json(Path("site.json").read_text())
declare(site, backend_of(CloudSettings(backend="openstack", endpoint="{project}")))
"""


def site(name: str, prefix: str, hosts: int) -> SiteDeclaration:
    """Return a site of one network, whose hosts stand apart in groups of as many as there are hypervisors."""
    network, group = f"{name}-net", f"{name}-component"
    apart = [f"{name}-apart-{number // HYPERVISORS}" for number in range(hosts)]
    servers = [
        {
            "name": f"{name}-{number}", "image": "bookworm", "flavor": "1c1g", "cpus": 1, "memory": 256,
            "network": network, "address": f"{prefix}.{20 + number}", "security_groups": [group],
            "server_group": apart[number],
        }
        for number in range(hosts)
    ]  # fmt: skip
    rule = {"protocol": "icmp", "port": None, "source": "0.0.0.0/0"}
    return SiteDeclaration.model_validate(
        {
            "programme": "bench", "site": name, "uplinks": {"administrative": USUAL.uplinks[0].name},
            "networks": [{"name": network, "domain": "administrative", "prefix": f"{prefix}.0/24", "edge": "pe1"}],
            "security_groups": [{"name": group, "rules": [rule]}],
            "server_groups": [{"name": each} for each in dict.fromkeys(apart)], "servers": servers, "pairings": [],
        }
    )  # fmt: skip


class Bench:
    """One laboratory, whose APIs answer in its network namespace."""

    def __init__(self, laboratory: Laboratory, scratch: Path) -> None:
        self._laboratory = laboratory
        self._scratch = scratch
        self._world = World(name="bench", kind="real", ssh_config=scratch / "ssh_config", cloud=CLOUD)
        self._engine = SitesAlone(self._world, scratch / "sites")
        self._stopping = 0.0
        """Seconds that stopping a server took, which are no part of finding it."""
        self._world.ssh_config.write_text(f"Host *\n  UserKnownHostsFile {scratch / 'known_hosts'}\n")

    def timed(self, what: str, act: Callable[[], Any]) -> tuple[float, Any]:
        """Return the seconds of what is done where the cloud answers, and what it returned."""
        began = time.monotonic()
        result = inside(self._laboratory.namespace, act)
        seconds = time.monotonic() - began
        tell(f"{what}: {seconds:.1f} s")
        return seconds, result

    def ours(self, declared: SiteDeclaration) -> dict[str, float]:
        """Make a site, make it once more, and withdraw it."""
        up, made = self.timed(f"{declared.site}: ours", lambda: self._engine.provide(declared))
        again, same = self.timed(f"{declared.site}: nothing to do", lambda: self._engine.provide(declared))
        assert not same.changes
        drift, seen = self.timed(f"{declared.site}: drift", lambda: self._drifted(declared))
        self.timed(f"{declared.site}: withdraw", lambda: self._engine.withdraw(declared))
        found = {change.name for change in seen.changes} == {declared.servers[0].name}
        counts = {"found": float(found), "resources": float(len(made.resources))}
        return {"up": up, "again": again, "drift": drift - self._stopping, **counts}

    def _drifted(self, declared: SiteDeclaration) -> Any:
        began = time.monotonic()
        with self.cloud() as cloud:
            (server,) = cloud.compute.servers(name=f"^{declared.servers[0].name}$")
            cloud.compute.stop_server(server)
            cloud.compute.wait_for_server(server, status="SHUTOFF", interval=0.2)
        self._stopping = time.monotonic() - began
        return self._engine.observe(declared)

    def bare(self, declared: SiteDeclaration) -> dict[str, float]:
        """Do the same by Pulumi's own command."""
        folder = self._scratch / f"bare-{time.monotonic_ns()}"
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: bare\nruntime: python\n")
        (folder / "__main__.py").write_text(BARE.format(project=PROJECT))
        (folder / "site.json").write_text(declared.model_dump_json())
        environment = {
            "PATH": toolchain.search_path(), "HOME": str(folder), "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "bench", "PULUMI_SKIP_UPDATE_CHECK": "true",
            "OS_CLIENT_CONFIG_FILE": str(self._laboratory.clouds),
        }  # fmt: skip

        def run(*words: str) -> None:
            command = (str(toolchain.pulumi_path()), *words, "--non-interactive")
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

        run("stack", "init", declared.site)
        up, _ = self.timed(f"{declared.site}: bare", lambda: run("up", "--yes", "--skip-preview"))
        again, _ = self.timed(f"{declared.site}: bare, nothing to do", lambda: run("up", "--yes", "--refresh"))
        self.timed(f"{declared.site}: bare, destroy", lambda: run("destroy", "--yes", "--skip-preview"))
        return {"up": up, "again": again}

    def nova(self, hosts: int) -> float:
        """Return the seconds until so many servers are active by nova alone, and take them away."""

        def make() -> tuple[float, None]:
            with self.cloud() as cloud:
                return _by_nova(cloud, hosts), None

        return float(self.timed("nova alone", make)[1][0])

    def allow(self, servers: int) -> None:
        """Raise the project's quota."""

        def lift() -> None:
            with self.cloud() as cloud:
                project = cloud.current_project_id
            with self.cloud("admin") as cloud:
                cloud.compute.update_quota_set(project, instances=servers)

        inside(self._laboratory.namespace, lift)

    @contextmanager
    def cloud(self, name: str = PROJECT) -> Iterator[Any]:
        """Give a connection."""
        opened = connection.connect(CLOUD.model_copy(update={"endpoint": name}))
        yield opened
        opened.close()


def _by_nova(cloud: Any, hosts: int) -> float:
    network = cloud.network.create_network(name="nova-alone")
    subnet = cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.99.1.0/24")
    image, flavor = cloud.image.find_image("bookworm").id, cloud.compute.find_flavor("1c1g").id
    ports = [cloud.network.create_port(network_id=network.id) for _ in range(hosts)]

    def serve(port: Any) -> Any:
        fields = {"image_id": image, "flavor_id": flavor, "networks": [{"port": port.id}], "config_drive": True}
        made = cloud.compute.create_server(name=f"alone-{port.id[:8]}", **fields)
        return cloud.compute.wait_for_server(made, interval=0.5, wait=900)

    began = time.monotonic()
    with ThreadPoolExecutor(hosts) as pool:
        servers = list(pool.map(serve, ports))
    seconds = time.monotonic() - began
    for server in servers:
        cloud.compute.delete_server(server)
    for server in servers:
        cloud.compute.wait_for_delete(server, wait=900)
    for port in ports:
        cloud.network.delete_port(port, ignore_missing=True)
    cloud.network.delete_subnet(subnet)
    cloud.network.delete_network(network)
    return seconds


def measure(rounds: int) -> Result:
    """Seconds until a site stands in an OpenStack, beside Pulumi alone and nova alone."""
    found = conditions()
    with tempfile.TemporaryDirectory(prefix="zb-") as scratch:
        laboratory = Laboratory(Path(scratch) / "laboratory")
        try:
            laboratory.start(tell)
            os.environ["OS_CLIENT_CONFIG_FILE"] = str(laboratory.clouds)
            seconds = _measured(Bench(laboratory, Path(scratch)), rounds)
        finally:
            laboratory.stop()
    found_it = seconds.pop("found")
    return Result(
        bench="site",
        question="seconds until a site stands in an OpenStack",
        figures={name: round(value, 2) for name, value in seconds.items()},
        ratios={
            "ours/bare": round(seconds["ours_up_seconds"] / seconds["bare_up_seconds"], 2),
            "no change/bare": round(seconds["ours_no_change_seconds"] / seconds["bare_no_change_seconds"], 2),
            "twelve/nova": round(seconds["twelve_up_seconds"] / seconds["twelve_nova_seconds"], 2),
        },
        promises={"one stopped server of twelve is found, by its name alone": found_it == 1.0},
        conditions=found,
    )


def _measured(bench: Bench, rounds: int) -> dict[str, float]:
    """Return the best of some rounds, which take turns, and what twelve servers took once."""
    bench.allow(40)
    two, twelve = site("two", "10.61.1", 2), site("twelve", "10.62.1", 12)
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(bench.ours(two))
        bare.append(bench.bare(two))
    many = bench.ours(twelve)
    best = {name: min(each[name] for each in ours) for name in ours[0]}
    peer = {name: min(each[name] for each in bare) for name in bare[0]}
    return {
        "resources_of_two_hosts": best["resources"], "ours_up_seconds": best["up"], "bare_up_seconds": peer["up"],
        "ours_no_change_seconds": best["again"], "bare_no_change_seconds": peer["again"],
        "twelve_up_seconds": many["up"], "twelve_nova_seconds": bench.nova(len(twelve.servers)),
        "twelve_drift_seconds": many["drift"], "found": many["found"],
    }  # fmt: skip


if __name__ == "__main__":
    report(measure, rounds=2)
