"""The engine of a run: its own, or a cluster of Temporal's that is named on the command line."""

from pydantic import ValidationError

from inventory.files.wording import reason_of
from inventory.secrecy import NotAReference, SecretReference, reference
from inventory.words import _
from migrations.cli.help import WrongUse
from migrations.home import TemporalCluster


def cluster_of(address: str, namespace: str, api_key: str, *, tls: bool) -> TemporalCluster | None:
    """Return the cluster of an address, nothing where there is none; WrongUse for what cannot be one."""
    if not address:
        return None
    try:
        key = reference(api_key) if api_key else None
        _see_sealed(key, tls=tls)
        return TemporalCluster(address=address, namespace=namespace, tls=tls, api_key=key)
    except NotAReference as exc:
        raise WrongUse(str(exc), _("keep the key in a file and name it: file:/path")) from exc
    except ValidationError as exc:
        reason = _("'{address}' is no cluster: {why}").format(
            address=address, why=reason_of(exc.errors(include_url=False)[0])
        )
        raise WrongUse(reason, _("give host and port, such as temporal.example:7233")) from exc


def _see_sealed(key: SecretReference | None, *, tls: bool) -> None:
    if key is not None and not tls:
        raise WrongUse(_("a key would be sent where everybody can read it"), _("add --temporal-tls"))
