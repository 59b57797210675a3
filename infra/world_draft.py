"""A first draft of the files of a real world, as far as an inventory knows it."""

from collections.abc import Iterator
from pathlib import Path

from infra.worlds import CloudSettings, World
from inventory.base import Model
from inventory.derived.targets import target_hosts
from inventory.derived.wired import host_addresses
from inventory.model import Programme

KNOWN_HOSTS = "known_hosts"


class Draft(Model):
    """The files of a world as far as an inventory knows them."""

    ssh_config: str
    world: World


def draft(programme: Programme, folder: Path, user: str, cloud: CloudSettings) -> Draft:
    """Return the files of a world in which hosts have the inventory's addresses; devices' are left to be filled in.

    Where the cloud's settings name the operator's public key, hosts are entered by the private one beside it.
    """
    # OpenSSH would look for a relative name where the command is called.
    foot = _FOOT.format(user=user, known_hosts=folder.resolve() / KNOWN_HOSTS)
    own = f"  IdentityFile {cloud.key.with_suffix('')}\n" if cloud.key else ""
    text = "".join((_HEAD, *_host_blocks(programme), *_device_blocks(programme), foot, own))
    world = World.model_validate(
        {"name": programme.programme, "kind": "real", "ssh_config": "ssh_config", "cloud": cloud}
    )
    return Draft(ssh_config=text, world=world)


def addresses(programme: Programme) -> dict[str, str]:
    """Map every host that departments have and sites will have to its address."""
    sites = programme.sites if programme.sizes else ()
    made = {host.name: str(host.address) for site in sites for host in target_hosts(programme, site.name)}
    return {**{name: str(address) for name, address in host_addresses(programme).items()}, **made}


def _host_blocks(programme: Programme) -> Iterator[str]:
    for name, address in sorted(addresses(programme).items()):
        yield f"Host {name}\n  HostName {address}\n\n"


def _device_blocks(programme: Programme) -> Iterator[str]:
    own = (device for device in programme.network.devices if not device.operated_by)
    for device in sorted(own, key=lambda each: each.name):
        # The management address is in no inventory.
        yield f"Host {device.name}\n  # HostName: its management address\n  User netops\n\n"


_HEAD = """# How hosts and devices are reached: OpenSSH's own file, see ssh_config(5). All of zhenghe reads it.
# A department behind a jump host:   ProxyJump jump.example
# A key of its own:                  IdentityFile ~/.ssh/water
# Keys of hosts belong into known_hosts beside this file: get them from whoever runs the host, or from its console.

"""
_FOOT = """Host *
  User {user}
  UserKnownHostsFile {known_hosts}
  StrictHostKeyChecking yes
  IdentitiesOnly yes
  ConnectTimeout 10
  ServerAliveInterval 10
"""
