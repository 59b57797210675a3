"""The HTTP entries of a host: one HAProxy, a file for each port and each entry, and two maps that may change any time.

    conf.d/10-port-PORT.cfg     a front for each port; the request's Host says which entry is meant
    conf.d/20-ENTRY.cfg         where an entry sends to: backends ENTRY.source and ENTRY.target
    hosts.map                   name -> entry
    side.map                    entry -> source or target; kept on disk, so that a restart changes nothing
    hold.map                    entry -> 1 while its requests wait; a restart lets them go on

HAProxy cannot hold requests by itself without an error to the client, so a few lines of Lua wait in front of the choice
of the backend. It has one thread: between the Lua and the count of the backend's requests nothing else happens, so an
entry on hold whose backends count nothing has no request under way.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
from pathlib import Path
from typing import Any, Iterator

from playbooks.agents.kit import Refused, run, write

HOME = Path("/etc/haproxy/zhenghe")
CONTROL = Path("/run/zhenghe/haproxy.sock")
LOCK = Path("/run/zhenghe/haproxy.lock")
UNIT = "zhenghe-haproxy.service"


class Entries:
    """What HAProxy is told on this host."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sides = HOME / "side.map"
        self.holds = HOME / "hold.map"
        self.hosts = HOME / "hosts.map"

    def set_up(self, entry: dict[str, Any], component: dict[str, Any]) -> bool:
        """Have HAProxy forward the entry to its source; says whether anything was changed."""
        with _alone():
            changed = write(HOME / "hold.lua", _LUA)
            changed |= write(HOME / "conf.d" / "00-all.cfg", _ALL)
            changed |= write(HOME / "conf.d" / f"10-port-{entry['port']}.cfg",
                             _PORT.format(address=entry["address"], port=entry["port"]))  # fmt: skip
            changed |= write(HOME / "conf.d" / f"20-{self.name}.cfg", _backends(self.name, component))
            for file in (self.hosts, self.holds, self.sides):
                file.touch()
            changed |= keep(self.hosts, entry["name"], self.name)
            changed |= keep(self.holds, self.name, "0")
            if self.name not in kept_in(self.sides):
                changed |= keep(self.sides, self.name, "source")
            self._apply(changed)
        return changed

    def take_away(self) -> None:
        """No longer serve the entry; HAProxy stops where it was the last one."""
        with _alone():
            (HOME / "conf.d" / f"20-{self.name}.cfg").unlink(missing_ok=True)
            names = [name for name, entry in kept_in(self.hosts).items() if entry == self.name]
            for name in names:
                keep(self.hosts, name, None)
            keep(self.holds, self.name, None)
            keep(self.sides, self.name, None)
            if list((HOME / "conf.d").glob("20-*.cfg")):
                self._apply(changed=True)
            else:
                run("systemctl", "disable", "--quiet", "--now", UNIT, good=(0, 1))

    def known(self) -> bool:
        """Say whether the entry is served here."""
        served = (HOME / "conf.d" / f"20-{self.name}.cfg").exists()
        return served and run("systemctl", "is-active", UNIT, good=(0, 3, 4)).strip() == "active"

    def side(self) -> str:
        """Return source or target: where HAProxy sends the entry's requests now."""
        for line in ask(f"show map {self.sides}").splitlines():
            words = line.split()
            if words[1:2] == [self.name]:
                return words[2]
        raise Refused(f"there is no entry {self.name}", "run the step front")

    def turn(self, side: str) -> None:
        """Send the entry's requests to the other side from now on, after a restart too."""
        keep(self.sides, self.name, side)
        set_now(self.sides, self.name, side)

    def hold(self, *, on: bool) -> None:
        """Let new requests wait, or go on."""
        set_now(self.holds, self.name, "1" if on else "0")

    def under_way(self) -> int:
        """Count the requests that were let through and have not been answered."""
        count = 0
        for line in ask("show stat -1 2 -1").splitlines():
            words = line.split(",")
            if words[0] in {f"{self.name}.source", f"{self.name}.target"} and words[1] == "BACKEND":
                count += int(words[4])
        return count

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Keep others from reloading HAProxy: those who wait in an old process would wait for ever."""
        CONTROL.parent.mkdir(exist_ok=True)
        with open(LOCK, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def _apply(self, changed: bool) -> None:  # noqa: FBT001
        if write(Path("/etc/systemd/system") / UNIT, _UNIT):
            run("systemctl", "daemon-reload")
        run("haproxy", "-c", "-q", "-f", str(HOME / "conf.d"))
        if run("systemctl", "is-active", UNIT, good=(0, 3, 4)).strip() != "active":
            run("systemctl", "enable", "--quiet", "--now", UNIT)
        elif changed:
            run("systemctl", "reload", UNIT)


def ask(command: str, control: Path = CONTROL, unit: str = UNIT) -> str:
    """Say one thing to a HAProxy's control socket and return its answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(5)
            line.connect(str(control))
            line.sendall(command.encode() + b"\n")
            answer = b""
            while part := line.recv(65536):
                answer += part
    except OSError as error:
        raise Refused(f"HAProxy does not answer: {error}", f"see systemctl status {unit} on the entry host") from None
    return answer.decode()


def set_now(file: Path, key: str, value: str, control: Path = CONTROL, unit: str = UNIT) -> None:
    """Change an entry of a map in the running process."""
    said = ask(f"set map {file} {key} {value}", control, unit).strip()
    if said:
        raise Refused(f"HAProxy: {said}")


def kept_in(file: Path) -> dict[str, str]:
    """Return a map as it is kept on disk."""
    return dict(line.split(maxsplit=1) for line in file.read_text().splitlines() if line) if file.exists() else {}


def keep(file: Path, key: str, value: str | None) -> bool:
    """Change an entry of a map on disk, or take it out; says whether anything changed."""
    kept = kept_in(file)
    kept.pop(key, None)
    if value is not None:
        kept[key] = value
    return write(file, "".join(f"{name} {one}\n" for name, one in sorted(kept.items())))


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    CONTROL.parent.mkdir(exist_ok=True)
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _backends(name: str, component: dict[str, Any]) -> str:
    text = ""
    for side in ("source", "target"):
        servers = "".join(
            f"    server {host} {address}:{component['settings'].get('port', 80)}\n"
            for host, address in zip(component[f"{side}s"], component[f"{side}_addresses"])
        )
        text += f"backend {name}.{side}\n    balance roundrobin\n{servers}\n"
    return text


_ALL = f"""# The HTTP entries of this host.
global
    log /dev/log local0 notice
    nbthread 1
    maxconn 20000
    no strict-limits
    lua-load {HOME}/hold.lua
    stats socket {CONTROL} mode 600 level admin expose-fd listeners
    hard-stop-after 1h

defaults
    mode http
    log global
    option http-server-close
    option forwardfor except 127.0.0.0/8
    option redispatch
    http-reuse never
    retries 3
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout queue 30s
    timeout http-request 30s
    timeout http-keep-alive 60s
"""
_PORT = f"""frontend port-{{port}}
    bind {{address}}:{{port}}
    http-request set-var(txn.entry) req.hdr(host),field(1,:),lower,map({HOME}/hosts.map)
    http-request deny deny_status 421 unless {{{{ var(txn.entry) -m found }}}}
    http-request lua.hold
    http-request set-var(txn.side) var(txn.entry),map({HOME}/side.map,source)
    use_backend %[var(txn.entry)].%[var(txn.side)]
"""
_LUA = f"""-- Requests of an entry wait here for as long as it is on hold.
local holds = Map.new("{HOME}/hold.map", Map._str)

core.register_action("hold", {{ "http-req" }}, function(txn)
    local entry = txn:get_var("txn.entry")
    while holds:lookup(entry) == "1" do
        core.msleep(3)
    end
end, 0)
"""
_UNIT = f"""[Unit]
Description=HTTP entries
After=network-online.target

[Service]
Type=notify
LimitNOFILE=65536
RuntimeDirectory=zhenghe
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/haproxy -Ws -f {HOME}/conf.d -p /run/zhenghe/haproxy.pid
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
