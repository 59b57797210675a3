"""The TCP entries of a host: one HAProxy of their own, a file for each entry, and two maps that may change any time.

    conf.d/20-ENTRY.cfg         where an entry listens and sends to: backends ENTRY.source and ENTRY.target
    side.map                    entry -> source or target; kept on disk, so that a restart changes nothing
    hold.map                    entry -> 1 while new connections wait; a restart lets them go on

New connections of an entry on hold wait in a few lines of Lua. A connection that is there already cannot be moved to
another server by anything that does not speak its protocol: the end that freezes closes it between two transactions,
and its client sees one error and connects anew. Apart from HTTP entries, because connections last for hours here and a
reload for others must not end them.
"""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import Any, Iterator

from ansible.module_utils.zhenghe_haproxy import ask, keep, kept_in, set_now

from playbooks.agents.kit import Refused, run, write

HOME = Path("/etc/haproxy/zhenghe-tcp")
CONTROL = Path("/run/zhenghe/haproxy-tcp.sock")
LOCK = Path("/run/zhenghe/haproxy-tcp.lock")
UNIT = "zhenghe-haproxy-tcp.service"
BELIEVED = frozenset({"mariadb"})
"""Kinds whose servers take the PROXY protocol, so that they see where clients come from."""


class Entries:
    """What HAProxy is told on this host."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sides = HOME / "side.map"
        self.holds = HOME / "hold.map"
        self.file = HOME / "conf.d" / f"20-{name}.cfg"

    def set_up(self, entry: dict[str, Any], component: dict[str, Any]) -> bool:
        """Have HAProxy forward the entry to its source; says whether anything was changed."""
        with _alone():
            self._see_port_is_free(entry)
            changed = write(HOME / "hold.lua", _LUA)
            changed |= write(HOME / "conf.d" / "00-all.cfg", _ALL)
            changed |= write(self.file, _configured(self.name, entry, component))
            for file in (self.holds, self.sides):
                file.touch()
            changed |= keep(self.holds, self.name, "0")
            if self.name not in kept_in(self.sides):
                changed |= keep(self.sides, self.name, "source")
            _apply(changed=changed)
        return changed

    def _see_port_is_free(self, entry: dict[str, Any]) -> None:
        bound = f"bind {entry['address']}:{entry['port']}\n"
        for file in (HOME / "conf.d").glob("20-*.cfg"):
            if file != self.file and bound in file.read_text():
                raise Refused(f"port {entry['port']} belongs to the entry {file.stem[3:]}",
                              "give this entry another port: TCP has no name by which two could share one")  # fmt: skip

    def take_away(self) -> None:
        """No longer serve the entry; HAProxy stops, and leaves nothing, where it was the last one."""
        with _alone():
            self.file.unlink(missing_ok=True)
            keep(self.holds, self.name, None)
            keep(self.sides, self.name, None)
            if list((HOME / "conf.d").glob("20-*.cfg")):
                _apply(changed=True)
            else:
                run("systemctl", "disable", "--quiet", "--now", UNIT, good=(0, 1))

    def known(self) -> bool:
        """Say whether the entry is served here."""
        return self.file.exists() and run("systemctl", "is-active", UNIT, good=(0, 3, 4)).strip() == "active"

    def side(self) -> str:
        """Return source or target: where HAProxy sends new connections now."""
        for line in ask(f"show map {self.sides}", CONTROL, UNIT).splitlines():
            words = line.split()
            if words[1:2] == [self.name]:
                return words[2]
        raise Refused(f"there is no entry {self.name}", "run the step front")

    def turn(self, side: str) -> None:
        """Send new connections to the other side from now on, after a restart too."""
        keep(self.sides, self.name, side)
        set_now(self.sides, self.name, side, CONTROL, UNIT)

    def hold(self, *, on: bool) -> None:
        """Let new connections wait, or go on."""
        set_now(self.holds, self.name, "1" if on else "0", CONTROL, UNIT)

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Keep others from reloading HAProxy: those who wait in an old process would wait for ever."""
        CONTROL.parent.mkdir(exist_ok=True)
        with LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield


def _apply(*, changed: bool) -> None:
    if write(Path("/etc/systemd/system") / UNIT, _UNIT):
        run("systemctl", "daemon-reload")
    run("haproxy", "-c", "-q", "-f", str(HOME / "conf.d"))
    if run("systemctl", "is-active", UNIT, good=(0, 3, 4)).strip() != "active":
        run("systemctl", "enable", "--quiet", "--now", UNIT)
    elif changed:
        run("systemctl", "reload", UNIT)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    CONTROL.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _configured(name: str, entry: dict[str, Any], component: dict[str, Any]) -> str:
    told = " send-proxy-v2" if component["kind"] in BELIEVED else ""
    text = _FRONT.format(name=name, address=entry["address"], port=entry["port"])
    for side in ("source", "target"):
        port = component["settings"].get("port", entry["port"]) if side == "source" else entry["port"]
        servers = "".join(
            f"    server {host} {address}:{port}{told}\n"
            for host, address in zip(component[f"{side}s"], component[f"{side}_addresses"])
        )
        text += f"\nbackend {name}.{side}\n{servers}"
    return text


_ALL = f"""# The TCP entries of this host.
global
    log /dev/log local0 notice
    nbthread 1
    maxconn 20000
    no strict-limits
    lua-load {HOME}/hold.lua
    stats socket {CONTROL} mode 600 level admin expose-fd listeners

defaults
    mode tcp
    log global
    option clitcpka
    option srvtcpka
    retries 3
    timeout connect 5s
    # Pools keep connections for hours; the server ends those that are idle for too long.
    timeout client 24h
    timeout server 24h
"""
_FRONT = f"""frontend {{name}}
    bind {{address}}:{{port}}
    tcp-request inspect-delay 120s
    tcp-request content set-var(sess.entry) str({{name}})
    tcp-request content lua.hold
    tcp-request content set-var(sess.side) str({{name}}),map({HOME}/side.map,source)
    use_backend %[var(sess.entry)].%[var(sess.side)]
"""
_LUA = f"""-- New connections of an entry wait here for as long as it is on hold.
local holds = Map.new("{HOME}/hold.map", Map._str)

core.register_action("hold", {{ "tcp-req" }}, function(txn)
    local entry = txn:get_var("sess.entry")
    while holds:lookup(entry) == "1" do
        core.msleep(3)
    end
end, 0)
"""
_UNIT = f"""[Unit]
Description=TCP entries
After=network-online.target

[Service]
Type=notify
LimitNOFILE=65536
RuntimeDirectory=zhenghe
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/haproxy -Ws -f {HOME}/conf.d -p /run/zhenghe/haproxy-tcp.pid
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
"""
