"""Errors that keep a site from being looked at or changed.

    ProvisionError              a site could not be looked at or changed
    ├── EngineMissing           there is no Pulumi on this machine
    ├── EngineFailed            the engine could not do it; names the resource and the reason
    ├── NotReady                the cloud lacks what the site needs; carries every finding, and nothing was made
    ├── Unproven                hosts were made whose keys the cloud does not prove
    └── AmbiguousResource       several resources carry one unique name, so none may be taken: somebody has to choose
"""

from inventory.errors import ZhengheError
from inventory.words import _


class ProvisionError(ZhengheError):
    """A site could not be looked at or changed."""

    def __init__(self, site: str, resource: str, reason: str, mend: str) -> None:
        """Keep apart what, why and what to do next; the resource is empty where none is to blame."""
        where = _("site {site}, {resource}") if resource else _("site {site}")
        where = where.format(site=site, resource=resource)
        super().__init__(f"{where}: {reason}\n  " + _("mend: {mend}").format(mend=mend))
        self.site, self.resource, self.reason, self.mend = site, resource, reason, mend


class EngineMissing(ProvisionError):
    """There is no Pulumi engine on this machine."""


class EngineFailed(ProvisionError):
    """The engine could not do what it was asked."""


class NotReady(ProvisionError):
    """The cloud lacks what the site needs; nothing was made."""

    def __init__(self, site: str, findings: tuple[str, ...]) -> None:
        """Keep every finding."""
        reason = _("{count} things stand against it, and nothing was made").format(count=len(findings))
        super().__init__(site, "", "".join((reason, *(f"\n  - {each}" for each in findings))), _("mend all of them"))
        self.findings = findings


class Unproven(ProvisionError):
    """Hosts were made whose keys the cloud does not prove: nothing connects to them before a person has."""


class AmbiguousResource(ProvisionError):
    """Several resources carry one name that must be unique."""
