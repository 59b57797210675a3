"""The driver of Pulumi's engine: sites observed, provided and withdrawn, whatever was killed before."""

from infra.engine.alone import SitesAlone
from infra.engine.driver import (
    AmbiguousResource,
    EngineFailed,
    EngineMissing,
    ProvisionError,
    SiteEngine,
)

__all__ = ["AmbiguousResource", "EngineFailed", "EngineMissing", "ProvisionError", "SiteEngine", "SitesAlone"]
