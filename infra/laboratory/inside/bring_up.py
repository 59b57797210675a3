"""Starts an OpenStack from nothing as the init of the laboratory; says `ready` when it may be used.

bring_up.py WORK ENVIRONMENT IMAGES: the folder of this laboratory, the virtual environment of the services, and the
folder of the images that servers start from. All of it ends with this process.
"""

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from infra.laboratory.inside.settings import (
    DATABASE,
    DATABASES,
    IDENTITY,
    MTU,
    REGION,
    SERVICES,
    UNDERLAY,
    Settings,
)

HYPERVISORS = ("hv0", "hv1", "hv2")
PATIENCE = 300
"""Seconds for a port to answer."""


class Failed(Exception):
    """A command of the bring-up ended with an error."""


class Laboratory:
    """One OpenStack that is being started."""

    def __init__(self, work: Path, environment: Path, images: Path) -> None:
        self._work = work
        self._bin = environment / "bin"
        self._environment = environment
        self._password = secrets.token_hex(8)
        self._outside = [ip_network(each["prefix"]) for each in _furniture(work)["uplinks"]]
        self._began = time.monotonic()
        self._variables = {
            "PATH": f"{self._bin}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(work), "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "ignore", "OVS_RUNDIR": str(work / "ovn"), "OVN_RUNDIR": str(work / "ovn"),
            "LAB_SERVERS": str(work / "servers"), "LAB_IMAGES": str(images), "LAB_GROUP": os.environ["LAB_GROUP"],
            "OS_KEYSTONE_CONFIG_FILES": "keystone.conf", "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2.ini",
            **{f"OS_{name.upper()}_CONFIG_DIR": str(work / "etc" / name) for name in ("keystone", *SERVICES)},
        }  # fmt: skip
        self._kept: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start everything; Failed with the end of a log where a part does not come up."""
        Settings(self._work, self._environment, self._password, HYPERVISORS, len(self._outside)).write()
        queue, switches = asyncio.create_task(self._queue()), asyncio.create_task(self._switches())
        await self._databases()
        await asyncio.gather(self._identity(), self._compute_tables(), self._other_tables())
        await asyncio.gather(queue, switches)
        self._tell("databases, queue and switches stand")
        await self._services()
        await self._furnish()

    async def _databases(self) -> None:
        data, socket = self._work / "database", self._work / "database.sock"
        await self._run("database", f"mariadb-install-db --no-defaults --auth-root-authentication-method=normal"
                        f" --skip-test-db --datadir={data} --user=root")  # fmt: skip
        # Nothing in here outlives the laboratory, so nothing is made safe on disk.
        await self._serve("database", f"mariadbd --no-defaults --user=root --datadir={data} --socket={socket}"
                          " --bind-address=127.0.0.1 --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0"
                          " --innodb-buffer-pool-size=256M --innodb-flush-method=nosync --skip-log-bin"
                          " --max-connections=500 --skip-name-resolve")  # fmt: skip
        await self._answers(3306)
        grants = "".join(f"create database {name} character set utf8mb3; grant all on {name}.* to os@'127.0.0.1';"
                         for name in DATABASES)  # fmt: skip
        await self._run("database", f"mariadb -uroot -S {socket} -e"
                        f" \"create user os@'127.0.0.1' identified by 'os'; {grants}\"")  # fmt: skip

    async def _queue(self) -> None:
        home = self._work / "queue"
        for name, text in {"conf": "listeners.tcp.1 = 127.0.0.1:5672\n", "plugins": "[].", "environment": ""}.items():
            (home / name).write_text(text)
        (home / "conf").rename(home / "rabbitmq.conf")
        await self._serve("queue", "/usr/lib/rabbitmq/bin/rabbitmq-server", {
            "RABBITMQ_NODENAME": "lab@localhost", "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"), "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"), "HOME": str(home),
            "RABBITMQ_CONF_ENV_FILE": str(home / "environment"), "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
        })  # fmt: skip
        await self._answers(5672)

    async def _switches(self) -> None:
        home, logs = self._work / "ovn", self._work / "log"
        await self._run("switches", "ip link set lo up && ip link add underlay type bridge &&"
                        f" ip link set underlay mtu {MTU + 42} &&"
                        f" ip addr add {UNDERLAY}.1/24 dev underlay && ip link set underlay up")  # fmt: skip
        for name, port in (("nb", 6641), ("sb", 6642)):
            await self._run("switches", f"ovsdb-tool create {home}/{name}.db /usr/share/ovn/ovn-{name}.ovsschema;"
                            f" ovsdb-server {home}/{name}.db --remote=punix:{home}/{name}.sock --detach"
                            f" --remote=ptcp:{port}:{UNDERLAY}.1 --unixctl={home}/{name}.ctl"
                            f" --log-file={logs}/{name}.log --pidfile={home}/{name}.pid")  # fmt: skip
        databases = f"--ovnnb-db=unix:{home}/nb.sock --ovnsb-db=unix:{home}/sb.sock"
        logged = f"--log-file={logs}/northd.log --pidfile={home}/northd.pid"
        await self._run("switches", f"ovn-northd {databases} --detach --unixctl={home}/northd.ctl {logged}")
        for number, name in enumerate(HYPERVISORS):
            await self._run("switches", self._switch(number, name))

    def _switch(self, number: int, name: str) -> str:
        home, logs, address = self._work / "ovn" / name, self._work / "log", f"{UNDERLAY}.{10 + number}"
        within = f"OVS_RUNDIR={home} OVN_RUNDIR={home} nsenter --net=/run/netns/{name}"
        switch = f"{within} ovs-vsctl --db=unix:{home}/db.sock"
        chassis = {
            "system-id": name, "hostname": name, "ovn-remote": f"tcp:{UNDERLAY}.1:6642", "ovn-encap-type": "geneve",
            "ovn-encap-ip": address, "ovn-bridge-datapath-type": "netdev",
        }  # fmt: skip
        if number == 0:
            mappings = ",".join(f"physnet{each}:br-ex{each}" for each in range(len(self._outside)))
            chassis |= {"ovn-bridge-mappings": mappings, "ovn-cms-options": "enable-chassis-as-gw"}

        control = f"--remote=punix:{home}/db.sock"

        def detached(part: str) -> str:
            return f"--detach --monitor --pidfile={home}/{part}.pid --log-file={logs}/{name}-{part}.log"

        lines = [
            f"mkdir -p {home}; ip netns add {name}; ip -n {name} link set lo up",
            f"ip link add u{number} mtu {MTU + 42} type veth peer name phy0 mtu {MTU + 42} netns {name}",
            f"ip link set u{number} master underlay up; ip -n {name} link set phy0 up",
            f"{within} ethtool -K phy0 tx off; ethtool -K u{number} tx off",
            f"ovsdb-tool create {home}/conf.db /usr/share/openvswitch/vswitch.ovsschema",
            f"{within} ovsdb-server {home}/conf.db {control} --unixctl={home}/ovs.ctl {detached('ovsdb')}",
            f"{switch} --no-wait init",
            f"{within} ovs-vswitchd unix:{home}/db.sock --unixctl={home}/vswitchd.ctl {detached('vswitchd')}",
            f"{switch} add-br br-phy -- set bridge br-phy datapath_type=netdev -- add-port br-phy phy0",
            f"{switch} set interface br-phy mtu_request={MTU + 42}",
            f"{switch} add-br br-int -- set bridge br-int datapath_type=netdev fail-mode=secure",
            # By SNAT to nothing OVN keeps apart connections of equal ports. The userspace switch of OVS 3.1 fails on it
            # (an assertion in conn_update_state), so it is told that the switch cannot do it.
            f"{switch} -- --id=@datapath create datapath datapath_version=0 -- set open . datapaths:netdev=@datapath",
            f"{switch} set datapath $({switch} --bare --columns=_uuid list datapath) capabilities:ct_zero_snat=false",
            f"ip -n {name} addr add {address}/24 dev br-phy; ip -n {name} link set br-phy up",
            f"{within} ethtool -K br-phy tx off",
            f"{switch} set open . {' '.join(f'external-ids:{key}={value}' for key, value in chassis.items())}",
        ]
        if number == 0:
            lines += [line for each in enumerate(self._outside) for line in _outside(name, switch, *each)]
        lines.append(f"{within} ovn-controller unix:{home}/db.sock {detached('controller')}")
        return "\n".join(lines)

    async def _identity(self) -> None:
        manage = f"{self._bin}/keystone-manage --config-dir etc/keystone"
        urls = " ".join(f"--bootstrap-{name}-url {IDENTITY}" for name in ("admin", "internal", "public"))
        root, region = "--keystone-user root --keystone-group root", f"--bootstrap-region-id {REGION}"
        bootstrap = f"{manage} bootstrap --bootstrap-password {self._password} {urls} {region}"
        keys = (f"{manage} fernet_setup {root}", f"{manage} credential_setup {root}")
        await self._run("keystone", f"{manage} db_sync", *keys, bootstrap)
        await self._serve_wsgi("keystone", 5000, "keystone.wsgi.api")
        await self._answers(5000, web=True)
        await self._python("catalogue")
        self._tell("the identity service answers")

    async def _compute_tables(self) -> None:
        manage = f"{self._bin}/nova-manage --config-dir etc/nova"
        await self._run("nova", f"{manage} api_db sync",
                        f"{manage} cell_v2 map_cell0 --database_connection {DATABASE}/nova_cell0",
                        f"{manage} cell_v2 create_cell --name cell1", f"{manage} db sync")  # fmt: skip

    async def _other_tables(self) -> None:
        await self._run("others", f"{self._bin}/neutron-db-manage --config-file etc/neutron/neutron.conf"
                        " --config-file etc/neutron/ml2.ini upgrade heads",
                        f"{self._bin}/placement-manage --config-dir etc/placement db sync",
                        f"{self._bin}/glance-manage --config-dir etc/glance db_sync",
                        f"{self._bin}/cinder-manage --config-dir etc/cinder db sync")  # fmt: skip

    async def _services(self) -> None:
        modules = {"placement": "placement.wsgi.api", "nova": "nova.wsgi.osapi_compute",
                   "neutron": "neutron.wsgi.api", "glance": "glance.wsgi.api"}  # fmt: skip
        for name, module in modules.items():
            await self._serve_wsgi(name, SERVICES[name][1], module)
        # It finds its configuration by no variable.
        await self._serve_wsgi("cinder", SERVICES["cinder"][1], "cinder.wsgi.api", "--pyargv --config-dir=etc/cinder")
        for name in ("scheduler", "volume"):
            await self._serve(f"cinder-{name}", f"{self._bin}/cinder-{name} --config-dir etc/cinder")
        await self._serve("conductor", f"{self._bin}/nova-conductor --config-dir etc/nova")
        await self._answers(SERVICES["placement"][1], web=True)
        for name in HYPERVISORS:
            switch = {"LAB_SWITCH": f"unix:{self._work}/ovn/{name}/db.sock", "LAB_HYPERVISOR": name}
            await self._serve(f"compute-{name}", f"{self._bin}/nova-compute --config-dir etc/{name}", switch)
        await self._serve("scheduler", f"{self._bin}/nova-scheduler --config-dir etc/nova")
        for _kind, port, _path in SERVICES.values():
            await self._answers(port, web=True)

    async def _furnish(self) -> None:
        await self._python("furnish")
        await self._run("cells", f"{self._bin}/nova-manage --config-dir etc/nova cell_v2 discover_hosts --by-service")

    async def _python(self, part: str) -> None:
        source = str(Path(__file__).parents[3])
        known = {"LAB_PASSWORD": self._password, "LAB_WORK": str(self._work), "PYTHONPATH": source}
        await self._run(part, f"{self._bin}/python -m infra.laboratory.inside.furnishing {part}", variables=known)

    async def _run(self, name: str, *commands: str, variables: dict[str, str] | None = None) -> None:
        log = self._work / "log" / f"{name}.setup"
        for command in commands:
            with log.open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    "bash", "-ec", command, env={**self._variables, **(variables or {})}, cwd=self._work,
                    stdin=DEVNULL, stdout=output, stderr=STDOUT,
                )  # fmt: skip
                code = await process.wait()
            if code != 0:
                raise Failed(f"{command.splitlines()[0][:80]}: status {code}: {log.read_text()[-1500:]}")

    async def _serve(self, name: str, command: str, variables: dict[str, str] | None = None) -> None:
        """Start a service, and start it anew whenever it ends, as an operating system's manager of services would."""

        async def start() -> asyncio.subprocess.Process:
            with (self._work / "log" / f"{name}.out").open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    "bash", "-c", f"exec {command}", env={**self._variables, **(variables or {})}, cwd=self._work,
                    stdin=DEVNULL, stdout=output, stderr=STDOUT, start_new_session=True,
                )  # fmt: skip
            (self._work / f"{name}.pid").write_text(str(process.pid))
            return process

        async def keep(process: asyncio.subprocess.Process) -> None:
            while True:
                await process.wait()
                await asyncio.sleep(0.5)
                process = await start()

        self._kept.append(asyncio.create_task(keep(await start())))

    async def _serve_wsgi(self, name: str, port: int, module: str, more: str = "") -> None:
        # Kept-alive connections are cut by this server when it is busy; clients would take that for a failure.
        served = f"{self._bin}/uwsgi --http-socket 127.0.0.1:{port} --module {module}:application"
        options = "--processes 1 --threads 4 --enable-threads --lazy-apps -b 65535 --die-on-term --http-raw-body"
        closing = f"--add-header 'Connection: close' --set start-time={time.time():.0f}"
        await self._serve(name, f"{served} {options} {closing} {more}")

    async def _answers(self, port: int, *, web: bool = False) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    if not web:
                        return
                    writer.write(b"GET / HTTP/1.0\r\n\r\n")
                    said = await asyncio.wait_for(reader.read(64), 60)
                    if said and b" 500 " not in said:
                        return
                    # A service that has failed to load answers at once and for good: not so often.
                    await asyncio.sleep(0.5)
                finally:
                    writer.close()
            except (TimeoutError, OSError):
                pass
            await asyncio.sleep(0.1)
        raise Failed(f"nothing answers at port {port}")

    def _tell(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:.0f} s: {line}", flush=True)


def _furniture(work: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((work / "furniture.json").read_text())
    return found


def _outside(name: str, switch: str, number: int, prefix: Any) -> list[str]:
    """Return what makes the switch of a network outside, whose other end is there under the name ext and a number."""
    outer, inner, bridge = f"ext{number}", f"extp{number}", f"br-ex{number}"
    return [
        f"{switch} add-br {bridge} -- set bridge {bridge} datapath_type=netdev",
        f"ip link add {outer} type veth peer name {inner} netns {name}; ip -n {name} link set {inner} up",
        f"ip addr add {prefix[1]}/{prefix.prefixlen} dev {outer}; ip link set {outer} up; ethtool -K {outer} tx off",
        f"{switch} add-port {bridge} {inner}",
    ]


async def main() -> None:
    """Start it, say so, and stay."""
    laboratory = Laboratory(*map(Path, sys.argv[1:4]))
    try:
        await laboratory.start()
    except Failed as failed:
        print(f"failed: {' '.join(str(failed).split())}", flush=True)
        return
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.run(main())
