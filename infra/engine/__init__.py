"""The driver of Pulumi's engine: sites observed, provided and withdrawn, whatever was killed before."""

from infra.engine.alone import SitesAlone
from infra.engine.driver import SiteEngine
from infra.engine.errors import AmbiguousResource, EngineFailed, EngineMissing, NotReady, ProvisionError, Unproven

__all__ = [
    "AmbiguousResource",
    "EngineFailed",
    "EngineMissing",
    "NotReady",
    "ProvisionError",
    "SiteEngine",
    "SitesAlone",
    "Unproven",
]
