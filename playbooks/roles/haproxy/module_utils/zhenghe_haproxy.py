"""The HTTP entries of a host: a front for each port, shared by the entries that have it.

    conf.d/10-port-PORT.cfg     a front for each port; the request's Host says which entry is meant
    hosts.map                   name -> entry

The rest is as for all entries of HAProxy (`zhenghe_haproxy_service.py`). It has one thread: between the Lua and the
count of the backend's requests nothing else happens, so an entry on hold whose backends count nothing has no request
under way.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

from ansible.module_utils.zhenghe_haproxy_service import Entry, Service, keep, kept_in, waiting

from playbooks.agents.kit import write

HOME = Path("/etc/haproxy/zhenghe")
HTTP = Service("haproxy", HOME, "HTTP entries")


class Entries(Entry):
    """What HAProxy is told on this host."""

    def __init__(self, name: str) -> None:
        super().__init__(HTTP, name)
        self.hosts = HOME / "hosts.map"

    def set_up(self, entry: dict[str, Any], component: dict[str, Any]) -> bool:
        """Have HAProxy forward the entry to its source; says whether anything was changed."""
        with self.service.locked(fcntl.LOCK_EX):
            changed = write(HOME / "hold.lua", waiting(HOME, "http-req", "txn.entry"))
            changed |= write(HOME / "conf.d" / "00-all.cfg", _ALL)
            changed |= write(HOME / "conf.d" / f"10-port-{entry['port']}.cfg",
                             _PORT.format(address=entry["address"], port=entry["port"]))  # fmt: skip
            changed |= write(self.file, _backends(self.name, component))
            self.hosts.touch()
            changed |= keep(self.hosts, entry["name"], self.name)
            changed |= self.noted()
            self.service.apply(changed=changed)
        return changed

    def forget(self) -> None:
        """Take the entry out of the maps, its names too."""
        for name in [name for name, entry in kept_in(self.hosts).items() if entry == self.name]:
            keep(self.hosts, name, None)
        super().forget()

    def under_way(self) -> int:
        """Count the requests that were let through and have not been answered."""
        count = 0
        for line in self.service.ask("show stat -1 2 -1").splitlines():
            words = line.split(",")
            if words[0] in {f"{self.name}.source", f"{self.name}.target"} and words[1] == "BACKEND":
                count += int(words[4])
        return count


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
    stats socket {HTTP.control} mode 600 level admin expose-fd listeners
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
