"""Security groups as nftables rules in the namespace of the host that they guard."""

from pathlib import Path

from infra.twin.commands import run
from infra.twin.substrate import PacketRule

TABLE = "security_groups"


def ruleset(rules: tuple[PacketRule, ...]) -> str:
    """Return the nftables text that lets in what the rules name, replies and nothing else, in place of an older one."""
    accepted = "".join(f"    {_match(rule)} accept\n" for rule in rules)
    return (
        f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n"
        "  chain input {\n"
        "    type filter hook input priority filter; policy drop;\n"
        '    iif "lo" accept\n'
        "    ct state established,related accept\n"
        f"{accepted}  }}\n}}\n"
    )


def enforce(namespace: Path, rules: tuple[PacketRule, ...]) -> None:
    """Replace the rules of a namespace in one transaction."""
    run(("nsenter", f"--net={namespace}", "nft", "-f", "-"), ruleset(rules))


def _match(rule: PacketRule) -> str:
    if rule.protocol == "icmp":
        return f"ip saddr {rule.source} ip protocol icmp"
    if rule.port is None:
        return f"ip saddr {rule.source} ip protocol {rule.protocol}"
    return f"ip saddr {rule.source} {rule.protocol} dport {rule.port}"
