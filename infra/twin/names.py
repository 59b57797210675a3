"""The name service as files of BIND: one zone that hosts may change by dynamic update, and nothing else."""

from infra.twin.layout import NamesLayout

CONFIGURATION = "/etc/bind/named.conf"
SERVICE = "named.service"


def files(names: NamesLayout) -> dict[str, str]:
    """Return the files of the name server by their path; the zone's folder has to belong to BIND's account."""
    return {
        CONFIGURATION: _configuration(names),
        zone_path(names): _zone(names),
        "/etc/default/named": 'RESOLVCONF=no\nOPTIONS="-u bind -4 -n 1"\n',
    }


def zone_path(names: NamesLayout) -> str:
    """Return where the zone is kept on the name server."""
    return f"/var/lib/bind/{names.zone}.zone"


def _configuration(names: NamesLayout) -> str:
    # `local` lets in whoever can read the key that named makes at its start: root and BIND on this host.
    return f"""\
options {{
    directory "/var/cache/bind";
    listen-on {{ any; }};
    listen-on-v6 {{ none; }};
    allow-query {{ any; }};
    recursion no;
    dnssec-validation no;
    notify no;
    empty-zones-enable no;
}};
zone "{names.zone}" {{
    type primary;
    file "{zone_path(names)}";
    update-policy local;
}};
"""


def _zone(names: NamesLayout) -> str:
    server = f"{names.host}.{names.zone}."
    records = "".join(f"{name}. A {address}\n" for name, address in names.records)
    return (
        f"$TTL {names.ttl}\n"
        f"@ SOA {server} hostmaster.{names.zone}. 1 3600 600 86400 {names.ttl}\n"
        f"@ NS {server}\n{server} A {names.address}\n{records}"
    )
