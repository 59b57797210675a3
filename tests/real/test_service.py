"""A service of which nobody has the source moves with its jobs and its addresses, is tried before, and comes back."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.ground import at_work
from infra.twin import client
from infra.worlds import World
from inventory.model import Programme
from migrations.actuators.ansible.runner import Answer, PlaybookFailed, Playbooks
from tests.real import applications
from tests.real.steps import RunOn, until, with_hosts

pytestmark = [pytest.mark.real, pytest.mark.slow]

OLD, NEW, ENTRY, READER = "permits-old", "permits-new", "front", "reader"
ADDRESSES = {OLD: "10.11.0.10", NEW: "10.11.0.21", ENTRY: "10.11.0.30", READER: "10.11.0.40"}
DATABASE = "10.11.0.99"
NAME = "permits.tiny.example"
PLACES = {
    "sources": [OLD],
    "source_addresses": [ADDRESSES[OLD]],
    "targets": [NEW],
    "target_addresses": [ADDRESSES[NEW]],
}
ROWS = [
    {"found": DATABASE, "becomes": "db.tiny.example", "of": "identity/db", "kind": "address",
     "address": ADDRESSES[ENTRY], "port": 5432, "before": ""},
    {"found": "db-old", "becomes": "db.tiny.example", "of": "identity/db", "kind": "host",
     "address": ADDRESSES[ENTRY], "port": 5432, "before": DATABASE},
]  # fmt: skip
DATA = {"name": "data", "kind": "files", **PLACES, "settings": {"root": "/var/lib/permits"}}
SETTINGS: dict[str, Any] = {
    "root": "/srv/permits", "service": "permits", "port": 8080, "path": "/alive",
    "jobs": ["permits-report"], "cron": ["permits"], "configuration": ["conf/app.properties"],
    "logs": ["/var/log/permits"],
}  # fmt: skip
APP: dict[str, Any] = {"name": "app", "kind": "service", **PLACES, "settings": SETTINGS, "substitutions": ROWS,
       "beside": [{"name": "permits-data", "root": "/var/lib/permits"}]}  # fmt: skip
FRONT = {"component": "app", "kind": "haproxy", "name": NAME, "port": 80, "host": ENTRY, "address": ADDRESSES[ENTRY]}
NAMES = {"zone": "tiny.example", "server": "ns1", "ttl": "1s"}

PROGRAM = r"""
import http.server, os, re, signal, socket, sys
text = open('/srv/permits/conf/app.properties', encoding='gbk').read()
host, port = re.search(r'jdbc:postgresql://([^:/]+):(\d+)/', text).groups()
def database():
    try:
        socket.create_connection((host, int(port)), 2).close()
        return 'there'
    except OSError:
        return 'closed'
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.say(200 if database() == 'there' or self.path == '/alive' else 503, host)
    def do_POST(self):
        name = self.rfile.read(int(self.headers['Content-Length'])).decode()
        open('/var/lib/permits/deposits/' + name, 'x').close()
        self.say(201, name)
    def say(self, status, text):
        self.send_response(status)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(('', 8080), Handler)
def end(*_):
    # What is only in memory is written when it ends: into the data, which must not be sealed by then.
    with open('/var/lib/permits/ended', 'a') as file:
        file.write(socket.gethostname() + '\n')
    os._exit(0)
signal.signal(signal.SIGTERM, end)
server.serve_forever()
"""
SEED = f"""
useradd --uid 3501 --system --no-create-home --shell /usr/sbin/nologin permits
mkdir -p /srv/permits/conf /srv/permits/lib /var/lib/permits/deposits /var/log/permits
cat > /srv/permits/app.py <<'PY'
{PROGRAM}
PY
printf '# \\xca\\xfd\\xbe\\xdd\\xbf\\xe2\\nurl=jdbc:postgresql://{DATABASE}:5432/permits\\npassword=Ge-heim-77\\n' \\
    > /srv/permits/conf/app.properties
cat > /etc/systemd/system/permits.service <<'UNIT'
[Service]
User=permits
Environment=SMTP_PASSWORD=Ge-heim-78
WorkingDirectory=/srv/permits
ExecStart=/usr/bin/python3 -B /srv/permits/app.py --spare jdbc:postgresql://db-old:5432/spare
[Install]
WantedBy=multi-user.target
UNIT
cat > /etc/systemd/system/permits-report.service <<'UNIT'
[Service]
Type=oneshot
User=permits
ExecStart=/bin/sh -c 'hostname >> /var/lib/permits/reports'
UNIT
printf '%s\\n' '[Timer]' 'OnCalendar=*-*-* *:*:*' AccuracySec=50ms Persistent=true '[Install]' WantedBy=timers.target \\
    > /etc/systemd/system/permits-report.timer
echo '* * * * * permits /srv/permits/nightly.sh' > /etc/cron.d/permits
chown -R permits: /srv/permits /var/lib/permits /var/log/permits
systemctl daemon-reload
systemctl enable -q --now permits.service permits-report.timer
"""
DEPOSITOR = """
import http.client, json, select, sys, time, uuid
done, failed, times = [], [], []
while not select.select([sys.stdin], [], [], 0.02)[0]:
    reference = uuid.uuid4().hex
    try:
        line = http.client.HTTPConnection(sys.argv[1], timeout=30)
        line.request('POST', '/', reference, {'Host': sys.argv[2]})
        status = line.getresponse().status
        line.close()
    except OSError as exc:
        status = str(exc)
    (done if status == 201 else failed).append(reference if status == 201 else status)
    times.append(time.monotonic())
print(json.dumps({'done': done, 'failed': failed, 'gap': max(b - a for a, b in zip(times, times[1:]))}))
"""


class Permits:
    """The hosts of the move, and what the tests do there."""

    def __init__(self, world: World, home: Path, run: RunOn) -> None:
        self.world, self.run = world, run
        self._playbooks = Playbooks(world, home)

    def alone(self, verb: str, name: str, settings: dict[str, Any], mode: Any = "apply") -> Answer:
        """Take one application that has no entry through a verb."""
        rows = [*({**row, "of": "declared", "kind": "word"} for row in settings["replace"]), *applications.ROWS]
        one = {"name": name, "kind": "service", **PLACES, "settings": settings, "substitutions": rows, "beside": []}
        arguments = {
            "system": name, "verb": verb, "components": [one], "entries": [], "names": NAMES,
            "limits": {"downtime": "60s", "data_loss": "0s", "catch_up": "60s"},
        }  # fmt: skip
        return self._playbooks.call(arguments, mode, 200, lambda _: None)

    def step(self, verb: str, *components: Any, mode: Any = "apply", **changes: Any) -> Answer:
        limits = {"downtime": "8s", "data_loss": "0s", "catch_up": "60s"} | changes.pop("limits", {})
        taking_part = components or (DATA, APP)
        entries = [FRONT] if any(one["name"] == "app" for one in taking_part) else []
        arguments = {
            "system": "permits", "verb": verb, "components": list(taking_part), "entries": entries, "names": NAMES,
            "limits": limits, **changes,
        }  # fmt: skip
        return self._playbooks.call(arguments, mode, 150, lambda _: None)

    @contextmanager
    def depositing(self) -> Iterator[dict[str, Any]]:
        with at_work(self.world, READER, f"python3 /root/depositor.py {ADDRESSES[ENTRY]} {NAME}") as result:
            yield result

    def files(self, host: str) -> str:
        """Return what a host holds outside of /proc, /run, logs and caches, with rights and owners."""
        rest = " ".join(f"-path {path} -prune -o" for path in (
            "/proc", "/run", "/sys", "/dev", "/tmp", "/var/log", "/var/cache", "/var/tmp", "/root/.ansible",
            "/usr/local/lib/zhenghe", "/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-",
            "/etc/subuid-", "/etc/subgid-", "/var/lib/zhenghe", "/var/lib/systemd", "/etc/.updated", "/var/.updated",
        ))  # fmt: skip
        return self.run(host, f"find / {rest} ! -type d -printf '%p %m %U %G %s\\n' | sort").stdout


@pytest.fixture(scope="module")
def surveyed(
    tiny: Programme,
    twin_name: Callable[[str], str],
    running_on: Callable[[World], RunOn],
    tmp_path_factory: pytest.TempPathFactory,
) -> Permits:
    """The hosts as surveyed: the service in use, the new hosts bare."""
    world = client.up(with_hosts(tiny, ADDRESSES, {OLD}), twin_name("v"), None, print)
    run = running_on(world)
    run(OLD, SEED)
    run(READER, f"cat > /root/depositor.py <<'PY'\n{DEPOSITOR}\nPY")
    return Permits(world, tmp_path_factory.mktemp("steps"), run)


# Units that start it or work in its folder: of other kinds, under other names, instances of templates.
BESIDE = {
    "/etc/cron.d/monthly": "5 1 * * * permits true",
    "/etc/cron.weekly/tidy": "find /srv/permits/tmp -delete",
    "/etc/systemd/system/permits.socket": "[Socket]\nListenStream=8089",
    "/etc/systemd/system/inbox.path": "[Path]\nPathExists=/run/inbox\nUnit=import.service",
    "/etc/systemd/system/import.service": "[Service]\nExecStart=/srv/permits/import",
    "/etc/systemd/system/early.timer": "[Timer]\nOnBootSec=9d\nUnit=import.service\n[Install]\nWantedBy=basic.target",
    "/etc/systemd/system/dump@.service": "[Service]\nType=oneshot\nUser=permits\nExecStart=true",
    "/etc/systemd/system/dump@.timer": "[Timer]\nOnCalendar=daily\nPersistent=true",
}


def test_what_would_stay_behind_is_refused_by_name(surveyed: Permits) -> None:
    made = "".join(f"cat > {path} <<'FILE'\n{text}\nFILE\n" for path, text in BESIDE.items())
    timers = "systemctl start dump@permits.timer; systemctl enable -q early.timer"
    surveyed.run(OLD, f"{made}systemctl daemon-reload; {timers}")
    try:
        with pytest.raises(PlaybookFailed, match="has to do with it and would stay behind") as refused:
            surveyed.step("prepare", APP)
        named = re.findall(r"the job (\S+) has to do", refused.value.reason)
        assert named == [
            "/etc/cron.d/monthly", "/etc/cron.weekly/tidy", "dump@permits.timer", "early.timer", "inbox.path",
            "permits.socket",
        ]  # fmt: skip
    finally:
        undone = timers.replace("start", "stop").replace("enable", "disable")
        surveyed.run(OLD, f"{undone}; rm {' '.join(BESIDE)}; systemctl daemon-reload")
        surveyed.step("prepare", APP, mode="undo")


def test_prepare_and_withdraw_leave_both_hosts_as_they_were(surveyed: Permits) -> None:
    before = {host: surveyed.files(host) for host in (OLD, NEW)}
    for verb in ("prepare", "replicate"):
        for component in (DATA, APP):
            assert surveyed.step(verb, component).state == "done"
    for verb in ("replicate", "prepare"):
        for component in (APP, DATA):
            surveyed.step(verb, component, mode="undo")
    after = {host: surveyed.files(host) for host in (OLD, NEW)}
    for host in (OLD, NEW):
        changed = set(after[host].splitlines()) ^ set(before[host].splitlines())
        assert not [line for line in changed if "/var/lib/permits" not in line], changed
    assert surveyed.run(OLD, "systemctl is-active permits permits-report.timer").stdout == "active\nactive\n"


@pytest.fixture(scope="module")
def permits(surveyed: Permits) -> Permits:
    """Data and service copied, tried, and fronted by the entry."""
    for verb in ("prepare", "replicate"):
        for component in (DATA, APP):
            assert surveyed.step(verb, component).state == "done"
    assert surveyed.step("front", APP, limits={"downtime": "8s"}).state == "done"
    return surveyed


def test_the_test_start_shows_what_it_reached_for_and_leaves_nothing(permits: Permits) -> None:
    facts = permits.step("replicate", APP, mode="probe").facts[NEW]
    assert facts["trial"]["listens"] is True
    assert facts["trial"]["reached_for"] == ["db.tiny.example:5432"]
    assert facts["trial"]["others"] == []
    assert facts["substituted"] == [f"conf/app.properties:2: {DATABASE} -> db.tiny.example (identity/db)"]
    assert permits.run(NEW, "systemctl is-active permits", check=False).stdout == "inactive\n"
    assert permits.run(NEW, "ip netns list; ls -A /run/zhenghe/trial; findmnt -t overlay -no TARGET | grep trial",
                       check=False).stdout == ""  # fmt: skip
    assert permits.run(NEW, f"grep -c {DATABASE} /srv/permits/conf/app.properties").stdout == "1\n"


def test_units_are_shown_with_their_digest_and_no_secret_anywhere(permits: Permits) -> None:
    facts = permits.step("prepare", APP, mode="probe").facts
    shown = {one["path"]: one for one in facts[OLD]["shown"]}
    unit = shown["/etc/systemd/system/permits.service"]
    digest = permits.run(OLD, "sha256sum /etc/systemd/system/permits.service").stdout.split()[0]
    assert unit["sha256"] == digest
    assert "User=permits" in unit["lines"]
    assert "permits.service:5: db-old -> db.tiny.example (identity/db)" in "\n".join(facts[OLD]["reported"])
    assert "db.tiny.example:5432/spare" in permits.run(NEW, "systemctl cat permits").stdout
    assert "Ge-heim" not in json.dumps(facts)


def test_there_and_back_and_there_while_people_deposit(permits: Permits) -> None:
    deposited: set[str] = set()
    for mode, there, other in (("apply", NEW, OLD), ("undo", OLD, NEW), ("apply", NEW, OLD)):
        assert mode == "undo" or permits.step("lag").state == "done"
        with permits.depositing() as people:
            answer = permits.step("switch", mode=mode)
        print(f"{mode}: {answer.facts['ms']}, people waited {people['gap'] * 1000:.0f} ms at most")
        assert people["failed"] == []
        deposited |= set(people["done"])
        assert set(permits.run(there, "ls /var/lib/permits/deposits").stdout.split()) == deposited
        verified = permits.step("verify")
        assert (verified.state, verified.facts) == ("done", verified.facts)
        assert permits.run(other, "systemctl is-active permits permits-report.timer", check=False).stdout == (
            "inactive\ninactive\n"
        )
        assert permits.run(other, "ls -A /etc/cron.d | grep permits").stdout == ".zhenghe-permits\n"
        ended = permits.run(there, "tail -n 1 /var/lib/permits/ended").stdout.strip()
        assert ended == other
        said = "db.tiny.example" if there == NEW else DATABASE
        assert said in permits.run(there, "cat /srv/permits/conf/app.properties | iconv -f gbk").stdout
    reports = permits.run(NEW, "cat /var/lib/permits/reports").stdout.split()
    runs = [name for name, before in zip(reports, [None, *reports], strict=False) if name != before]
    assert runs == [OLD, NEW, OLD, NEW]
    # Whoever starts it where it was starts nothing.
    permits.run(OLD, "systemctl start permits.service permits-report.service", check=False)
    assert permits.run(OLD, "systemctl is-active permits", check=False).stdout == "inactive\n"
    permits.step("switch", mode="undo")
    assert permits.run(OLD, "systemctl is-active permits").stdout == "active\n"


def test_an_address_nobody_declared_is_found_by_the_test_start(permits: Permits) -> None:
    hidden = {**APP, "settings": {**SETTINGS, "configuration": []}}
    told = "\n".join(permits.step("prepare", hidden, mode="probe").facts[OLD]["reported"])
    assert "conf/app.properties holds an old address and is not in settings.configuration" in told
    with pytest.raises(PlaybookFailed, match=rf"still reached for the old side: {DATABASE}:5432"):
        permits.step("lag", DATA, hidden)


def test_a_service_that_does_not_start_at_the_target_is_refused_before_anybody_waits(permits: Permits) -> None:
    elsewhere = {**APP, "settings": {**SETTINGS, "port": 8099, "start": 2}}
    with pytest.raises(PlaybookFailed, match="does not listen at port 8099"):
        permits.step("lag", DATA, elsewhere)
    assert permits.run(OLD, "systemctl is-active permits").stdout == "active\n"


def test_a_configuration_file_that_is_a_link_is_refused(permits: Permits) -> None:
    permits.run(OLD, "ln -s /etc/shadow /srv/permits/conf/linked")
    linked = {**APP, "settings": {**SETTINGS, "configuration": ["conf/linked"]}}
    try:
        until(lambda: permits.run(NEW, "test -L /srv/permits/conf/linked", check=False).returncode == 0)
        with pytest.raises(PlaybookFailed, match="it is a link"):
            permits.step("lag", DATA, linked)
    finally:
        permits.run(OLD, "rm /srv/permits/conf/linked")


@pytest.mark.by_commit("applications", 0.5)
@pytest.mark.parametrize(
    "name, settings, seed, said",
    [
        ("licences", applications.TOMCAT, applications.TOMCAT_SEED,
         {OLD: "<h1>licences</h1>", NEW: "<h1>licences</h1>"}),
        ("forms", applications.PHP, applications.PHP_SEED,
         {OLD: f"{applications.DIRECTORY} by PHP 7", NEW: "directory.tiny.example by PHP 8"}),
    ],
)  # fmt: skip
def test_a_java_and_a_php_application_move_and_come_back(
    surveyed: Permits, name: str, settings: dict[str, Any], seed: str, said: dict[str, str]
) -> None:
    def asked(host: str) -> str:
        return surveyed.run(READER, f"curl -s -m 5 http://{ADDRESSES[host]}:{settings['port']}/", check=False).stdout

    surveyed.run(OLD, seed)
    until(lambda: asked(OLD).strip() == said[OLD])
    assert surveyed.alone("prepare", name, settings).state == "done"
    tried = surveyed.alone("replicate", name, settings).facts[NEW]
    assert tried["trial"]["reached_for"] == ["directory.tiny.example:389"]
    assert asked(NEW) == ""
    assert surveyed.alone("lag", name, settings).state == "done"
    for mode, there, other in (("apply", NEW, OLD), ("undo", OLD, NEW)):
        answer = surveyed.alone("switch", name, settings, mode)
        print(f"{name}, {mode}: {answer.facts['ms']}, test start {tried['trial']['seconds']} s")
        assert asked(other) == ""
        until(lambda there=there: asked(there).strip() == said[there])  # type: ignore[misc]
        assert surveyed.alone("verify", name, settings).state == "done"
    for verb in ("replicate", "prepare"):
        surveyed.alone(verb, name, settings, "undo")
    surveyed.run(OLD, f"systemctl disable -q --now {name}")
    assert surveyed.run(NEW, f"ls {settings['root']}; id {name}; systemctl cat {name}", check=False).stdout == ""
