"""The hosts of a programme as Ansible's dynamic inventory: which there are, in which groups, with which facts.

Groups are department_…, site_…, system_…, kind_…, zone_… (a domain of the extranet), and sources, targets, entries and
copies; a hyphen in a name becomes an underscore, which no name of ours has. Classified systems are in no group, and
components' settings are left out, so that nothing in it is a secret.

    HostClash          a host that a site would be given is called like another one
"""

import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

from inventory.derived.targets import TargetHost, component_hosts, copy_hosts, entry_hosts
from inventory.errors import ZhengheError
from inventory.model import Component, Programme, System
from inventory.words import _

Groups = dict[str, set[str]]


class HostClash(ZhengheError):
    """A host that a site would be given bears a name that is taken; carries the name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(_("two hosts would be called '{name}'; rename the one in a machine room").format(name=name))


class AnsibleInventory:
    """The groups and variables of all hosts that departments have and sites will have.

    LookupError where a component goes to a site or an address that does not exist.
    """

    def __init__(self, programme: Programme, ssh_config: Path | None = None) -> None:
        """Hosts are reached by their names through `ssh_config` where it is given, otherwise by their addresses."""
        self.variables: dict[str, dict[str, Any]] = {}
        self.groups: Groups = defaultdict(set)
        self._ssh_config = ssh_config
        self._zones = {each.name: each.domain for site in programme.sites for each in site.networks}
        targets = component_hosts(programme)
        self._sources(programme)
        for target in self._made(programme, tuple(targets.values())):
            self._target(target)
        for system in programme.systems:
            for part in system.components if not system.grading.classified else ():
                hosts = [targets[part.to.site, each].name for each in part.to.addresses] if part.to is not None else []
                self._component(system, part, (*part.on, *hosts))

    def listed(self) -> dict[str, Any]:
        """Return the answer to --list: every group with its hosts, and every host's variables."""
        groups: dict[str, Any] = {name: {"hosts": sorted(hosts)} for name, hosts in sorted(self.groups.items())}
        meta = {"hostvars": {name: self.variables[name] for name in sorted(self.variables)}}
        whole: dict[str, Any] = {"children": sorted(groups)}
        if self._ssh_config is not None:
            whole["vars"] = {"ansible_ssh_common_args": f"-F {shlex.quote(str(self._ssh_config))}"}
        return {"_meta": meta, "all": whole, **groups}

    @staticmethod
    def _made(programme: Programme, targets: tuple[TargetHost, ...]) -> tuple[TargetHost, ...]:
        # Without sizes nothing can be made at a site yet.
        return (*targets, *entry_hosts(programme), *copy_hosts(programme)) if programme.sizes else targets

    def _sources(self, programme: Programme) -> None:
        zones: dict[str, set[str]] = defaultdict(set)
        for attachment in programme.network.attachments:
            zones[attachment.device].add(attachment.domain)
        for department in programme.departments:
            for room in department.rooms:
                groups = [group("department", department.name), "sources"]
                groups += [group("zone", zone) for zone in sorted(zones.get(room.gateway or "", ()))]
                for host in room.hosts:
                    self._host(host.name, groups, address=host.address, os=host.os, side="source",
                               department=department.name, room=room.name)  # fmt: skip

    def _target(self, host: TargetHost) -> None:
        roles = {"component": "targets", "entry": "entries", "copy": "copies"}
        groups = [roles[host.role], group("site", host.site), group("zone", self._zones[host.network])]
        self._host(host.name, groups, address=host.address, size=host.size, side="target",
                   site=host.site, network=host.network)  # fmt: skip

    def _host(self, name: str, groups: list[str], **facts: object) -> None:
        if name in self.variables:
            raise HostClash(name)
        said = {f"zhenghe_{key}": str(value) for key, value in facts.items() if value is not None}
        if self._ssh_config is None and facts.get("address") is not None:
            said["ansible_host"] = str(facts["address"])
        self.variables[name] = said
        for each in groups:
            self.groups[each].add(name)

    def _component(self, system: System, part: Component, hosts: tuple[str, ...]) -> None:
        for name in hosts:
            if name not in self.variables:
                raise LookupError(name)
            said = self.variables[name]
            said.setdefault("zhenghe_components", []).append(f"{system.system}/{part.name}")
            self.groups[group("system", system.system)].add(name)
            self.groups[group("kind", part.kind)].add(name)
            self.groups[group("department", system.department)].add(name)


def group(kind: str, name: str) -> str:
    """Return the name of a group, which is one that Ansible takes without a warning."""
    return f"{kind}_{name.replace('-', '_')}"
