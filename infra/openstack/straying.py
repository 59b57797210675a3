"""What is in a cloud beside a site's declaration: rules that somebody opened by hand, servers that never came up.

Pulumi sees what it has made and nothing else, so a rule that was added to one of our groups stays unseen; and a server
whose build failed counts as made.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from infra.backends import BackendError
from infra.declaration import RuleDeclaration, SecurityGroupDeclaration, SiteDeclaration
from infra.openstack.finding import BUILDING, await_built, has_volumes, servers_named, source_of
from inventory.words import _

_ERROR = "ERROR"


class StrayRule(NamedTuple):
    """A rule of one of our groups that lets in what nobody declared."""

    group: str
    id: str


def stray_rules(cloud: Any, site: SiteDeclaration) -> tuple[StrayRule, ...]:
    """Return the rules that let something in and are not declared, of the groups that a site has."""
    return tuple(stray for group in site.security_groups for stray in _of_group(cloud, group))


def _of_group(cloud: Any, group: SecurityGroupDeclaration) -> Iterator[StrayRule]:
    declared = {_said(rule) for rule in group.rules}
    for found in cloud.network.security_groups(name=group.name, project_id=cloud.current_project_id):
        seen: set[tuple[Any, ...]] = set()
        for rule in cloud.network.security_group_rules(security_group_id=found.id, direction="ingress"):
            words = (
                rule.ether_type, rule.protocol, rule.port_range_min, rule.port_range_max, source_of(rule),
                rule.remote_group_id,
            )  # fmt: skip
            if words not in declared or words in seen:
                yield StrayRule(group.name, rule.id)
            seen.add(words)


def _said(rule: RuleDeclaration) -> tuple[Any, ...]:
    return ("IPv4", rule.protocol, rule.port, rule.port, str(rule.source), None)


def close(cloud: Any, rules: tuple[StrayRule, ...]) -> None:
    """Take stray rules away."""
    for rule in rules:
        cloud.network.delete_security_group_rule(rule.id, ignore_missing=True)


def in_error(cloud: Any, site: SiteDeclaration) -> set[str]:
    """Return the names of the hosts of a site whose server or volume is in error; the engine takes them for whole."""
    # One question for all of them.
    broken = {str(each.name) for each in cloud.compute.servers(status=_ERROR)}
    return (broken & {server.name for server in site.servers}) | _volumes_in_error(cloud, site)


def _volumes_in_error(cloud: Any, site: SiteDeclaration) -> set[str]:
    wanted = {server.name for server in site.servers if server.volume}
    if not wanted or not has_volumes(cloud):
        return set()
    return wanted & {str(each.name) for each in cloud.block_storage.volumes() if each.status == _ERROR.lower()}


def clear_failed(cloud: Any, site: SiteDeclaration, patience: float) -> tuple[str, ...]:
    """Delete the servers of a site that never came up, and return their names.

    Such a one is in error, or has been built for longer than `patience` seconds: a message of the cloud's own was lost.
    BackendError where one is in error that had been up, or a volume: it may hold data, and a person has to look.
    """
    failed = [each for server in site.servers for each in _failed(cloud, server.name, patience)]
    were_up = sorted({each.name for each in failed if each.launched_at} | _volumes_in_error(cloud, site))
    if were_up:
        why = _("in error, and may hold data: {names}. Look into the cloud why, mend or delete them, and start again")
        raise BackendError(why.format(names=", ".join(were_up)))
    for server in failed:
        cloud.compute.delete_server(server.id, ignore_missing=True)
    for server in failed:
        cloud.compute.wait_for_delete(server, wait=300)
    return tuple(sorted(each.name for each in failed))


def _failed(cloud: Any, name: str, patience: float) -> list[Any]:
    ages = [_age(each) for each in servers_named(cloud, name) if each.status == BUILDING]
    if ages:
        # What was not up has nothing to lose: a clock that is wrong costs time and no more.
        await_built(cloud, name, min(max(patience - min(ages), 0.0), patience))
    return [each for each in servers_named(cloud, name) if each.status in {_ERROR, BUILDING}]


def _age(server: Any) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(server.created_at)).total_seconds()
