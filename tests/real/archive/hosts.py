"""The hosts of an archive's move, the components that move, and the readers who deposit meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.ground import at_work
from infra.worlds import World
from migrations.actuators.ansible.runner import Answer, Playbooks
from tests.real.steps import RunOn

SEEDS = Path(__file__).parents[3] / "examples" / "yunhe" / "twin"
OLD, NEW, ENTRY, READER, ZOMBIE = "archives-store", "new-store", "front", "reader", "civil-old"
ADDRESSES = {OLD: "10.11.0.10", ZOMBIE: "10.11.0.11", NEW: "10.11.0.21", ENTRY: "10.11.0.30", READER: "10.11.0.40"}
NAME = "archive.tiny.example"
PLACES = {
    "sources": [OLD],
    "source_addresses": [ADDRESSES[OLD]],
    "targets": [NEW],
    "target_addresses": [ADDRESSES[NEW]],
}
STORE = {"name": "store", "kind": "files", **PLACES, "settings": {"root": "/srv/archive"}}
SITE = {"name": "site", "kind": "web", **PLACES, "settings": {"root": "/srv/archive-site", "service": "archive-site"}}
FRONT = {"component": "site", "kind": "haproxy", "name": NAME, "port": 80, "host": ENTRY, "address": ADDRESSES[ENTRY]}
NAMES = {"zone": "tiny.example", "server": "ns1", "ttl": "1s"}
NOTICES = {
    "name": "site", "kind": "web", "sources": [ZOMBIE], "source_addresses": [ADDRESSES[ZOMBIE]], "targets": [],
    "target_addresses": [], "settings": {"root": "/srv/notices"},
}  # fmt: skip

DEPOSITOR = """
import http.client, json, select, sys, time, uuid
tried, done, failed, times = [], [], [], []
while not select.select([sys.stdin], [], [], 0.02)[0]:
    reference = uuid.uuid4().hex
    try:
        line = http.client.HTTPConnection(sys.argv[1], timeout=30)
        line.request('POST', '/deposits', json.dumps({'reference': reference}), {'Host': sys.argv[2]})
        status = line.getresponse().status
        line.close()
    except OSError as exc:
        status = str(exc)
    (done if status == 201 else failed).append(reference if status == 201 else status)
    times.append(time.monotonic())
gaps = [later - sooner for sooner, later in zip(times, times[1:])]
print(json.dumps({'done': done, 'failed': failed, 'gap': max(gaps)}))
"""


class Archive:
    """The hosts of the archive's move, and what the tests do there."""

    def __init__(self, world: World, home: Path, run: RunOn) -> None:
        self.world, self.run, self.home = world, run, home
        self._playbooks = Playbooks(world, home)

    def arguments(self, verb: str, *components: Any, **changes: Any) -> dict[str, Any]:
        limits = {"downtime": "5s", "data_loss": "0s", "catch_up": "60s"} | changes.pop("limits", {})
        taking_part = components or (STORE, SITE)
        entries = [FRONT] if SITE in taking_part else []
        return {
            "system": "archive", "verb": verb, "components": list(taking_part), "entries": entries, "names": NAMES,
            "limits": limits, **changes,
        }  # fmt: skip

    def step(self, verb: str, *components: Any, mode: Any = "apply", **changes: Any) -> Answer:
        return self._playbooks.call(self.arguments(verb, *components, **changes), mode, 150, lambda _: None)

    @contextmanager
    def depositing(self) -> Iterator[dict[str, Any]]:
        """Keep a reader depositing through the entry; what came of it is in the result once the block has ended."""
        with at_work(self.world, READER, f"python3 /root/depositor.py {ADDRESSES[ENTRY]} {NAME}") as result:
            yield result

    def deposits(self, host: str) -> set[str]:
        return set(self.run(host, "ls /srv/archive/deposits").stdout.split())

    def writable(self, host: str) -> bool:
        return self.run(host, "touch /srv/archive/deposits && :", check=False).returncode == 0

    def sides(self) -> tuple[bool, bool, str]:
        side = self.run(ENTRY, "cat /etc/haproxy/zhenghe/side.map").stdout.split()[1]
        return self.writable(OLD), self.writable(NEW), side

    def held(self) -> bool:
        said = self.run(ENTRY, "echo show map /etc/haproxy/zhenghe/hold.map | socat - /run/zhenghe/haproxy.sock").stdout
        return said.split()[2] == "1"


# What a store collects beside files: a file system mounted below it, flags of chattr, files with a name outside.
ODDITIES = """
mkdir -p /srv/archive/mounted /srv/archive/flagged /srv/outer
mount -t tmpfs none /srv/archive/mounted && for i in $(seq 200); do echo $i > /srv/archive/mounted/$i; done
echo '5 4 * * * archive find /srv/archive/drop -delete' > /etc/cron.d/tidy
echo twice > /srv/archive/flagged/linked && ln /srv/archive/flagged/linked /srv/outer/linked
python3 - <<'PY'
import fcntl, os, struct
for name, flag in (("immutable", 0x10), ("appended", 0x20)):
    with open("/srv/archive/flagged/" + name, "w") as file:
        fcntl.ioctl(file, 0x40086602, struct.pack("=II", flag, 0))
PY
"""
FLAGS = """python3 - <<'PY'
import fcntl, os, struct
for name in ("immutable", "appended"):
    with open("/srv/archive/flagged/" + name) as file:
        print(hex(struct.unpack("=II", fcntl.ioctl(file, 0x80086601, bytes(8)))[0] & 0x30), end=" ")
PY
"""
ON_OLD = (True, False, "source")
ON_NEW = (False, True, "target")
