"""Runs a command in a network namespace of its own, where nobody else on this machine reaches its ports."""

import os
from collections.abc import Iterable
from pathlib import Path


def in_own_network(command: Iterable[str | Path]) -> list[str]:
    """Return a command that runs in a network namespace of its own, in which there is nothing but its loopback.

    Programs that serve on the loopback and ask nobody who he is are safe there from every other user.
    """
    # Without root a user namespace is needed to make one of networks.
    own = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    return ["unshare", *own, "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *map(str, command)]
