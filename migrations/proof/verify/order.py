"""The order to the checks' own process."""

from inventory.base import Model
from migrations.proof.verify.expectations import Expectation


class CheckOrder(Model):
    """All expectations, and how their hosts are reached."""

    ssh_config: str
    patience: int
    """Seconds to wait for a connection."""
    sockets: str
    """Folder for the sockets of shared connections."""
    expectations: tuple[Expectation, ...]
