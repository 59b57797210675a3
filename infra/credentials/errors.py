"""Errors of looking a secret up; none of them ever carries one.

SecretError
    SecretMissing       it is not there
    SecretRefused       it is there, and must not be read so: rights, or a file that others may read
    StoreUnreachable    who keeps it does not answer, or is not set up
"""

from inventory.errors import ZhengheError
from inventory.secrecy import SecretReference


class SecretError(ZhengheError):
    """A secret could not be had; carries its reference and the reason."""

    def __init__(self, reference: SecretReference, reason: str) -> None:
        self.reference = reference
        self.reason = reason
        super().__init__(f"{reference}: {reason}")


class SecretMissing(SecretError):
    """The secret is not there."""


class SecretRefused(SecretError):
    """The secret must not be read like this."""


class StoreUnreachable(SecretError):
    """Who keeps the secret does not answer, or is not set up."""
