"""The TCP entries of a host: one HAProxy of their own, in which every entry has its port.

New connections of an entry on hold wait. One that is there already cannot be moved to another server by anything that
does not speak its protocol: the end that freezes closes it between two transactions, and its client sees one error and
connects anew. Apart from HTTP entries, because connections last for hours here and a reload for others must not end
them.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

from ansible.module_utils.zhenghe_haproxy_service import Entry, Service, waiting

from playbooks.agents.kit import Refused, write

HOME = Path("/etc/haproxy/zhenghe-tcp")
TCP = Service("haproxy-tcp", HOME, "TCP entries")
BELIEVED = frozenset({"mariadb"})
"""Kinds whose servers take the PROXY protocol, so that they see where clients come from."""


class Entries(Entry):
    """What HAProxy is told on this host."""

    def __init__(self, name: str) -> None:
        super().__init__(TCP, name)

    def set_up(self, entry: dict[str, Any], component: dict[str, Any]) -> bool:
        """Have HAProxy forward the entry to its source; says whether anything was changed."""
        with self.service.locked(fcntl.LOCK_EX):
            self._see_port_is_free(entry)
            changed = write(HOME / "hold.lua", waiting(HOME, "tcp-req", "sess.entry"))
            changed |= write(HOME / "conf.d" / "00-all.cfg", _ALL)
            changed |= write(self.file, _configured(self.name, entry, component))
            changed |= self.noted()
            self.service.apply(changed=changed)
        return changed

    def _see_port_is_free(self, entry: dict[str, Any]) -> None:
        bound = f"bind {entry['address']}:{entry['port']}\n"
        for file in self.file.parent.glob("20-*.cfg"):
            if file != self.file and bound in file.read_text():
                mend = "give this entry another port: TCP has no name by which two could share one"
                raise Refused(f"port {entry['port']} belongs to the entry {file.stem[3:]}", mend)


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
    stats socket {TCP.control} mode 600 level admin expose-fd listeners

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
