"""Who reads the answers of a platform's devices."""

from netcfg import birdc, linux, patterns, vtysh
from netcfg.facts import Facts
from netcfg.platforms import Platform


def facts_of(platform: Platform) -> Facts:
    """Return what the answers of a platform's devices say."""
    match platform.answers:
        case "patterns":
            return patterns.patterned(platform)
        case "vtysh":
            words = (vtysh.neighbour_state, vtysh.silence, vtysh.noticed, vtysh.room, vtysh.known_ways,
                     vtysh.routes_over, vtysh.next_hops, vtysh.taken)  # fmt: skip
        case "birdc":
            words = (birdc.neighbour_state, birdc.silence, birdc.noticed, birdc.room, birdc.known_ways,
                     birdc.routes_over, birdc.next_hops, birdc.taken)  # fmt: skip
    # The shell account says that by itself.
    managed = platform.shell.management
    return Facts(*words, linux.traffic, lambda ask: linux.management_way(ask(managed) or ""), lambda _answer: True)
