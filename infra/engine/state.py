"""A site as it is seen, and the changes that would make it, or have made it, as declared."""

from typing import Literal

from inventory.base import Model


class Resource(Model):
    """A resource that exists, under the name it has in the declaration."""

    urn: str
    name: str
    type: str
    id: str


class Change(Model):
    """One change to one resource."""

    op: Literal["create", "update", "replace", "delete"]
    type: str
    name: str
    why: str


class SiteState(Model):
    """The outcome of looking at a site, or of changing it.

    done: the site is as asked; not-done: the changes are still to be made; unknown: it was not seen, `why` says it.
    """

    site: str
    state: Literal["done", "not-done", "unknown"]
    resources: tuple[Resource, ...] = ()
    changes: tuple[Change, ...] = ()
    why: str = ""
    findings: tuple[str, ...] = ()
    """What stands against making it, a sentence each; only a preview looks for them."""

    def ids(self, *kinds: str) -> dict[str, str]:
        """Return the ids of resources by name; the kinds are last words of types, as others may bear the same names."""
        return {each.name: each.id for each in self.resources if each.type.rsplit(":", maxsplit=1)[-1] in kinds}
