"""Security groups, and the translation of addresses, as nftables rules in the namespace that they are about."""

from pathlib import Path

from infra.twin.commands import run
from infra.twin.substrate import PacketRule

TABLE = "security_groups"
OUTWARDS = "address_translation"


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


def translate(namespace: Path, interfaces: tuple[str, ...]) -> None:
    """Give packets that leave a namespace by some interfaces these interfaces' own addresses."""
    rules = "".join(f'    oifname "{name}" masquerade\n' for name in interfaces)
    chain = f"  chain out {{\n    type nat hook postrouting priority srcnat;\n{rules}  }}\n"
    run(("nsenter", f"--net={namespace}", "nft", "-f", "-"), f"table ip {OUTWARDS} {{\n{chain}}}\n")


def _match(rule: PacketRule) -> str:
    if rule.protocol == "icmp":
        return f"ip saddr {rule.source} ip protocol icmp"
    if rule.port is None:
        return f"ip saddr {rule.source} ip protocol {rule.protocol}"
    return f"ip saddr {rule.source} {rule.protocol} dport {rule.port}"
