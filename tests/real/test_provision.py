"""Pulumi's engine provides, mends and withdraws a site in the twin's cloud, whatever is killed or changed meanwhile."""

import contextlib
import json
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra.declaration import RuleDeclaration, ServerDeclaration, SiteDeclaration
from infra.engine import EngineFailed, EngineMissing, SiteEngine, SitesAlone
from infra.engine.tether import Ended, run_tethered
from infra.parts import toolchain
from infra.twin.cloud import Cloud
from infra.twin.memory_substrate import MemorySubstrate
from infra.worlds import CloudSettings, World, save_world
from tests.real.processes import commanded, descendants, engines

pytestmark = pytest.mark.real

# How long something may take that has to come; passing does not depend on it.
PATIENCE = 300
PROVIDE = """
import sys
from pathlib import Path
from infra.declaration import SiteDeclaration
from infra.engine import SiteEngine
from infra.worlds import load_world
world, home, site, verb = sys.argv[1:]
engine = SiteEngine(load_world(Path(world)), Path(home))
getattr(engine, verb)(SiteDeclaration.model_validate_json(Path(site).read_text()))
"""


class Latch:
    """Holds the substrate at one call until it is let go."""

    def __init__(self) -> None:
        self._at: tuple[str, str] | None = None
        self._reached = threading.Event()
        self._go_on = threading.Event()

    def set(self, what: str, name: str) -> None:
        self._reached.clear()
        self._go_on.clear()
        self._at = (what, name)

    def __call__(self, what: str, name: str) -> None:
        if (what, name) == self._at:
            self._at = None
            self._reached.set()
            assert self._go_on.wait(PATIENCE)

    def wait(self) -> None:
        assert self._reached.wait(PATIENCE)

    def let_go(self) -> None:
        self._go_on.set()


class Place:
    """A cloud behind a socket, an engine with a home, and a declaration: the ground of one test."""

    def __init__(self, folder: Path, cloud: Cloud, substrate: MemorySubstrate, latch: Latch) -> None:
        self.cloud, self.substrate, self.latch = cloud, substrate, latch
        self.home = folder / "sites"
        self.complaint = folder / "complaint"
        settings = CloudSettings(backend="twin", endpoint=str(folder / "control"))
        self.world = World(name="test", kind="twin", ssh_config=folder / "ssh_config", cloud=settings)
        self.world_file = folder / "world.json"
        save_world(self.world, self.world_file)
        self.engine = SiteEngine(self.world, self.home)

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.cloud.call(verb, arguments)["result"]
        return result

    def one(self, kind: str, name: str) -> dict[str, Any]:
        (item,) = self.ask(f"{kind}.list", name=name)["items"]
        found: dict[str, Any] = item
        return found

    def everything(self) -> Counter[tuple[str, str]]:
        kinds = ("network", "security_group", "server_group", "server", "recovery_pairing")
        return Counter((kind, item["name"]) for kind in kinds for item in self.ask(f"{kind}.list")["items"])

    def elsewhere(self, site: SiteDeclaration, verb: str) -> "subprocess.Popen[bytes]":
        """Start the engine in a process that may be killed; what it says last is in `complaint`."""
        file = self.home.parent / "site.json"
        file.write_text(site.model_dump_json())
        words = (sys.executable, "-c", PROVIDE, str(self.world_file), str(self.home), str(file), verb)
        with self.complaint.open("wb") as complaint:
            return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=complaint)


def served(cloud: Cloud, path: Path) -> socketserver.BaseServer:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            request = json.loads(self.rfile.readline())
            answer = cloud.call(request["call"].removeprefix("cloud."), request["arguments"])
            # Whoever asked may have been killed meanwhile.
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(json.dumps(answer).encode() + b"\n")

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    return Server(str(path), Handler)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    latch = Latch()
    substrate = MemorySubstrate(latch)
    cloud = Cloud(substrate)
    server = served(cloud, tmp_path / "control")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Place(tmp_path, cloud, substrate, latch)
    latch.let_go()
    server.shutdown()
    server.server_close()
    thread.join()
    cloud.close()


def declared(site: str = "cloud-a", number: int = 60, hosts: int = 2) -> SiteDeclaration:
    network, group = f"{site}-admin", f"{site}-component"
    servers = [
        {
            "name": f"{site}-db-{host}", "image": "bookworm", "cpus": 1, "memory": 512, "network": network,
            "address": f"10.{number}.1.{20 + host}", "security_groups": [group], "server_group": f"{site}-db",
        }
        for host in range(1, hosts + 1)
    ]  # fmt: skip
    return SiteDeclaration.model_validate(
        {
            "site": site,
            "networks": [
                {"name": network, "domain": "administrative", "prefix": f"10.{number}.1.0/24", "edge": "pe1"},
                {"name": f"{site}-public", "domain": "public", "prefix": f"10.{number}.2.0/24", "edge": "pe1"},
            ],
            "security_groups": [{"name": group, "rules": [{"protocol": "icmp", "port": None, "source": "0.0.0.0/0"}]}],
            "server_groups": [{"name": f"{site}-db"}],
            "servers": servers,
            "pairings": [{"name": f"{site}-dr-b", "primary": site, "recovery": "dr-b", "rpo": 900.0}],
        }
    )


def complete(site: SiteDeclaration) -> Counter[tuple[str, str]]:
    parts: dict[str, tuple[Any, ...]] = {
        "network": site.networks, "security_group": site.security_groups, "server_group": site.server_groups,
        "server": site.servers, "recovery_pairing": site.pairings,
    }  # fmt: skip
    return Counter((kind, part.name) for kind, many in parts.items() for part in many)


def with_rule(site: SiteDeclaration) -> SiteDeclaration:
    (group,) = site.security_groups
    rule = RuleDeclaration.model_validate({"protocol": "tcp", "port": 22, "source": "0.0.0.0/0"})
    return site.model_copy(update={"security_groups": (group.model_copy(update={"rules": (*group.rules, rule)}),)})


def changed(server: ServerDeclaration, **fields: object) -> ServerDeclaration:
    return server.model_copy(update=fields)


def test_a_cloud_that_does_not_answer_is_unknown_and_named(place: Place, tmp_path: Path) -> None:
    gone = place.world.model_copy(update={"cloud": CloudSettings(backend="twin", endpoint=str(tmp_path / "nobody"))})
    place.engine.provide(declared())
    engine = SiteEngine(gone, place.home)
    seen = engine.observe(declared())
    assert seen.state == "unknown"
    assert "nobody" in seen.why
    with pytest.raises(EngineFailed) as failed:
        engine.provide(declared())
    assert "nobody" in failed.value.reason
    assert "Traceback" not in str(failed.value)


def test_no_engine_is_said_with_its_mend(place: Place) -> None:
    with pytest.raises(EngineMissing) as missing:
        SiteEngine(place.world, place.home, Path("/nonexistent/pulumi")).provide(declared())
    assert missing.value.mend


def test_what_may_hold_data_is_not_replaced_by_an_engine_that_does_not_know_it(place: Place) -> None:
    place.engine.provide(declared())
    before = place.ask("server.list")
    shutil.rmtree(place.home)
    larger = declared().model_copy(update={"servers": tuple(changed(one, memory=1024) for one in declared().servers)})
    with pytest.raises(EngineFailed) as failed:
        place.engine.provide(larger)
    assert "memory" in failed.value.reason
    assert place.ask("server.list") == before
    # With the declaration that fits, a lost state is made anew from what is there.
    assert place.engine.provide(declared()).state == "done"
    assert place.ask("server.list") == before


def test_a_site_comes_stays_and_goes(place: Place) -> None:
    site = declared()
    told: list[str] = []
    assert place.engine.observe(site).state == "not-done"
    assert place.everything() == Counter()

    made = place.engine.provide(site, told.append)
    assert made.state == "done"
    assert place.everything() == complete(site)
    assert sorted(place.substrate.hosts) == sorted(server.name for server in site.servers)
    assert {change.op for change in made.changes} == {"create"}
    assert {resource.id for resource in made.resources if resource.name == "cloud-a-db-1"} == {
        place.one("server", "cloud-a-db-1")["id"]
    }
    assert len(told) == len(made.changes) == len(complete(site))

    file = place.home / "passphrase"
    assert file.stat().st_mode & 0o777 == 0o600
    others = [path for path in place.home.rglob("*") if path.is_file() and path != file]
    assert [path for path in others if file.read_bytes() in path.read_bytes()] == []

    calls = len(place.substrate.calls)
    again = place.engine.provide(site)
    assert (again.state, again.changes, again.resources) == ("done", (), made.resources)
    assert place.engine.observe(site).state == "done"
    assert len(place.substrate.calls) == calls

    place.engine.withdraw(site)
    assert place.everything() == Counter()
    assert (place.substrate.hosts, place.substrate.segments) == ({}, {})
    assert place.engine.observe(site).state == "not-done"
    place.engine.withdraw(site)


def test_a_changed_declaration_is_carried_out(place: Place) -> None:
    site = declared()
    place.engine.provide(site)
    kept = place.one("server", "cloud-a-db-2")["id"]
    first, second = site.servers
    wanted = with_rule(site).model_copy(update={"servers": (changed(first, cpus=2), second), "pairings": ()})
    done = place.engine.provide(wanted)
    assert {(change.op, change.name) for change in done.changes} == {
        ("replace", "cloud-a-db-1"),
        ("update", "cloud-a-component"),
        ("delete", "cloud-a-dr-b"),
    }
    assert place.everything() == complete(wanted)
    assert (place.one("server", "cloud-a-db-1")["cpus"], place.one("server", "cloud-a-db-2")["id"]) == (2, kept)
    assert len(place.substrate.rules["cloud-a-db-2"]) == 2


@pytest.mark.chaos
@pytest.mark.parametrize(
    "victim, what, name, verb",
    [
        ("caller", "set_rules", "cloud-a-db-2", "provide"),
        ("engine", "set_rules", "cloud-a-db-2", "provide"),
        ("caller", "stop_host", "cloud-a-db-1", "withdraw"),
        ("engine", "drop_segment", "cloud-a-admin", "withdraw"),
    ],
)
def test_a_kill_leaves_what_the_next_run_completes(place: Place, victim: str, what: str, name: str, verb: str) -> None:
    site = declared()
    if what not in {"make_segment", "start_host"}:
        place.engine.provide(site)
        site = with_rule(site)
    place.latch.set(what, name)
    process = place.elsewhere(site, verb)
    place.latch.wait()
    engine = descendants(process.pid)
    (pulumi,) = engines(engine)
    os.kill(process.pid if victim == "caller" else pulumi, signal.SIGKILL)
    process.wait(PATIENCE)
    place.latch.let_go()
    said = f"EngineFailed: site {site.site}: ended by signal 9\n" if victim == "engine" else ""
    assert said in place.complaint.read_text()

    assert place.engine.provide(site).state == "done"
    # Somebody else may bear the number of one that is gone.
    assert [pid for pid, words in engine.items() if words and commanded(pid) == words] == []
    assert place.everything() == complete(site)
    assert sorted(place.substrate.hosts) == sorted(server.name for server in site.servers)
    assert {item["status"] for item in place.ask("server.list")["items"]} == {"ACTIVE"}
    after = place.engine.provide(site)
    assert (after.changes, len(after.resources)) == ((), len(complete(site)))


def test_nobody_reaches_what_an_engine_listens_at_and_its_death_is_told(place: Place) -> None:
    site, sites, told = declared(), SitesAlone(place.world, place.home), list[str]()
    place.latch.set("make_segment", "cloud-a-admin")
    with ThreadPoolExecutor() as pool:
        call = pool.submit(sites.provide, site, told.append)
        place.latch.wait()
        (pulumi,) = engines(descendants(os.getpid()))
        own, ours = (Path(f"/proc/{process}/ns/net").readlink() for process in (pulumi, "self"))
        listening = Path(f"/proc/{pulumi}/net/tcp").read_text().count(" 0A ")
        os.kill(pulumi, signal.SIGKILL)
        with pytest.raises(EngineFailed, match="ended by signal 9"):
            call.result(PATIENCE)
        place.latch.let_go()
    assert own != ours
    assert listening > 0
    assert sites.provide(site, told.append).state == "done"
    assert place.everything() == complete(site)
    assert any("cloud-a-db-1" in line for line in told)
    assert sites.observe(site).state == "done"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_that_was_ended_from_outside_is_told_from_one_that_failed(tmp_path: Path, number: int) -> None:
    def ended(script: str) -> Ended:
        return run_tethered(("sh", "-c", script), folder=tmp_path, environment={"PATH": os.defpath})

    assert ended(f"kill -{number} $$; sleep 60").signal == number
    failed = ended("echo out; echo wrong >&2; exit 255")
    assert (failed.signal, failed.code, failed.output, failed.errors) == (None, 255, "out", "wrong")
    assert ended("true") == (0, "", "")


@pytest.mark.chaos
def test_a_run_that_finds_another_one_waits_for_it(place: Place) -> None:
    site = declared()
    place.latch.set("start_host", "cloud-a-db-1")
    process = place.elsewhere(site, "provide")
    place.latch.wait()
    told: list[str] = []
    waiting = threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        waiting.set()

    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(place.engine.provide, site, tell)
        assert waiting.wait(PATIENCE)
        place.latch.let_go()
        assert second.result(PATIENCE).changes == ()
    assert process.wait(PATIENCE) == 0
    assert len(told) == 1
    assert place.everything() == complete(site)


def previewed(folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run `pulumi preview` as somebody would at the root of the checkout."""
    environment = {
        "PATH": toolchain.search_path(), "HOME": str(folder), "PULUMI_HOME": str(folder / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{folder}", "PULUMI_CONFIG_PASSPHRASE": "open",
        "PULUMI_SKIP_UPDATE_CHECK": "true", **settings,
    }  # fmt: skip
    root = folder / "root"
    if not root.exists():
        # What Pulumi writes into the folder of a program is not to be left in the checkout.
        checkout = Path(__file__).parents[2]
        root.mkdir()
        shutil.copy(checkout / "Pulumi.yaml", root)
        (root / "infra").symlink_to(checkout / "infra")
        words = (str(toolchain.pulumi_path()), "stack", "init", "dr-b", "--non-interactive")
        subprocess.run(words, cwd=root, env=environment, check=True, capture_output=True)
    words = (str(toolchain.pulumi_path()), "preview", "--non-interactive", "--stack", "dr-b")
    return subprocess.run(words, cwd=root, env=environment, check=False, capture_output=True, text=True)


def test_pulumi_preview_at_the_root(place: Place, tmp_path: Path) -> None:
    without = previewed(tmp_path)
    assert without.returncode != 0
    assert "no inventory is set" in without.stdout
    assert "Traceback" not in without.stdout + without.stderr
    settings = {"ZHENGHE_INVENTORY": "examples/yunhe", "ZHENGHE_WORLD": str(place.world_file)}
    lost = previewed(tmp_path, **settings, ZHENGHE_SITE="atlantis")
    assert "has no site atlantis; it has cloud-a, dr-b" in lost.stdout
    shown = previewed(tmp_path, **settings)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "zhenghe:twin:Server dr-b-copy create" in shown.stdout
    assert place.everything() == Counter()
