"""Secrets in the keyring of the user who runs this, over keyring, which nothing else imports."""

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from infra.credentials.errors import SecretMissing, StoreUnreachable
from inventory.secrecy import SecretReference
from inventory.words import _


def read_keyring(wanted: SecretReference, backend: KeyringBackend | None = None) -> str:
    """Return a secret of a keyring, the one that is set up for the user where none is given.

    SecretMissing or StoreUnreachable where it cannot be had.
    """
    try:
        value = (backend or keyring.get_keyring()).get_password(wanted.place, wanted.key)
    except (KeyringError, OSError, RuntimeError) as exc:
        reason = _("the keyring cannot be used ({error})").format(error=type(exc).__name__)
        raise StoreUnreachable(wanted, reason) from exc
    if not value:
        reason = _("the keyring has nothing for it; 'keyring set {service} {user}' puts it there")
        raise SecretMissing(wanted, reason.format(service=wanted.place, user=wanted.key))
    return value
