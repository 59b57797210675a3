"""How devices of a world are reached: by its ssh_config, our options on top, by passwords where they know no key."""

from collections.abc import Callable

from infra.credentials.errors import SecretError
from infra.credentials.resolving import resolved_here
from infra.ssh import trusted
from infra.worlds import World, WorldSecrets
from netcfg.errors import DeviceUnreachable
from netcfg.sessions import Sessions


def device_sessions(world: World) -> Sessions:
    """Return what opens sessions with the devices of a world."""
    return Sessions(trusted(world.ssh_config), passwords=device_passwords(world.secrets))


def device_passwords(kept: WorldSecrets) -> Callable[[str], str | None]:
    """Return what looks a device's password up where its reference leads; DeviceUnreachable where it is not there."""

    def look_up(device: str) -> str | None:
        wanted = kept.device(device)
        try:
            return resolved_here(wanted) if wanted else None
        except SecretError as exc:
            raise DeviceUnreachable(device, str(exc)) from exc

    return look_up
