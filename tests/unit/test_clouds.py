"""Which cloud provides which site, what a site declares there, and what a world refuses to keep."""

import json
from pathlib import Path

import pytest
from keystoneauth1.exceptions import ClientException, ConnectFailure, OptionError, Unauthorized
from openstack.exceptions import ConfigException, SDKException
from pydantic import ValidationError

from infra.backends import BackendError, backend_of
from infra.credentials.errors import SecretMissing
from infra.declaration import declare_site
from infra.engine.places import states_of
from infra.engine.state import Resource, SiteState
from infra.openstack.connection import translated
from infra.openstack.kinds import Kind, tags
from infra.openstack.lacking import Held, complete
from infra.worlds import CloudSettings, World, load_world, save_world
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme, SiteCloud, SiteFlavor, SiteImage, SiteUplink
from inventory.secrecy import reference

KINDS = load_kinds(playbooks_folder() / "roles")


def cloud(name: str, **more: object) -> CloudSettings:
    return CloudSettings.model_validate({"backend": "openstack", "endpoint": name, **more})


def world(folder: Path, **more: object) -> World:
    fields = {"name": "yunhe", "kind": "real", "ssh_config": folder / "ssh_config", "cloud": cloud("a"), **more}
    return World.model_validate(fields)


def test_a_world_maps_sites_to_clouds_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    clouds = {"dr-b": cloud("b", region="two", secret="env:SECRET", key="operator.pub")}
    save_world(world(tmp_path, clouds=clouds), tmp_path / "world.json")
    read = load_world(tmp_path / "world.json")
    assert (read.cloud_of("cloud-a").endpoint, read.cloud_of("dr-b").endpoint) == ("a", "b")
    assert read.cloud_of("dr-b").key == tmp_path / "operator.pub"
    assert "clouds" not in json.loads(world(tmp_path).model_dump_json(exclude_defaults=True))


def test_a_secret_itself_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError) as refused:
        cloud("a", secret="hunter2hunter2")
    assert "no reference to a secret" in str(refused.value.errors(include_input=False))


def test_states_of_a_real_world_are_one_for_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path))
    real, twin = world(tmp_path), world(tmp_path, kind="twin")
    assert {states_of(real, tmp_path / run) for run in ("r1", "r2")} == {tmp_path / "worlds/yunhe/sites"}
    assert states_of(twin, tmp_path / "r1") == tmp_path / "r1/sites"


def test_a_site_declares_what_its_cloud_calls_things(programme: Programme) -> None:
    site = next(each for each in programme.sites if each.name == "cloud-a")
    plain = declare_site(programme, site, KINDS)
    assert {(server.image, server.cloud_image) for server in plain.servers} == {("bookworm", "")}
    assert {server.flavor for server in plain.servers} <= {size.name for size in programme.sizes}
    size = plain.servers[0].flavor
    named = site.model_copy(
        update={
            "cloud": SiteCloud(
                images=(SiteImage(release="bookworm", image="Debian-12"),), zone="az1",
                flavors=(SiteFlavor(size=size, flavor="s6.large"),),
                uplinks=(SiteUplink(domain="administrative", network="outside"),),
            )
        }
    )  # fmt: skip
    declared = declare_site(programme, named, KINDS)
    assert {server.cloud_image for server in declared.servers} == {"Debian-12"}
    assert declared.servers[0].flavor == "s6.large"
    assert (declared.zone, declared.uplinks) == ("az1", {"administrative": "outside"})
    assert tags(declared) == ["made-by=zhenghe", "programme=yunhe", "site=cloud-a"]


def test_components_that_share_a_host_share_its_volume(programme: Programme) -> None:
    document = programme.model_dump(mode="json")
    parts = [part for system in document["systems"] for part in system["components"] if part["to"] is not None]
    for number, part in enumerate(parts):
        part["to"]["volume"] = 1 << number
    asked: dict[tuple[str, str], int] = {}
    for part in parts:
        for address in part["to"]["addresses"]:
            key = (part["to"]["site"], address)
            asked[key] = asked.get(key, 0) + part["to"]["volume"]
    changed = Programme.model_validate(document)
    declared = [declare_site(changed, site, KINDS) for site in changed.sites]
    volumes = {(site.site, str(each.address)): each.volume for site in declared for each in site.servers if each.volume}
    assert volumes == asked


def test_old_hosts_reach_the_ports_of_kinds_with_data_and_no_other(programme: Programme) -> None:
    site = next(each for each in programme.sites if each.name == "cloud-a")

    def opened(kinds: dict[str, int]) -> set[int | None]:
        known = {name: KINDS[name].model_copy(update={"stateful": name in kinds}) for name in KINDS}
        groups = declare_site(programme, site, known).security_groups
        rules = next(group.rules for group in groups if group.name == "cloud-a-component")
        rooms = {network.prefix for network in site.networks}
        return {rule.port for rule in rules if rule.port not in (None, 22) and rule.source not in rooms}

    assert opened({"postgresql": 1}) == {5432}
    assert opened({}) == set()


def test_what_a_provider_puts_around_a_reason_is_left_out() -> None:
    said = "sdk-v2/provider2.go:571: sdk.helper_schema: Error creating router: Quota exceeded: provider=openstack@5.5.3"
    explained = backend_of(cloud("a")).explained(Kind.ROUTER, {"name": "r"}, said)
    assert explained == "Error creating router: Quota exceeded"


def test_a_server_is_told_from_its_port_that_bears_its_name_too() -> None:
    types = {"openstack:compute/instance:Instance": "server", "openstack:networking/port:Port": "port"}
    for order in (list(types), list(types)[::-1]):
        parts = tuple(Resource(urn=kind, name="db-1", type=kind, id=types[kind]) for kind in order)
        assert SiteState(site="a", state="done", resources=parts).ids("Instance", "Server") == {"db-1": "server"}


def _raise(wrong: Exception, *, wrapped: bool) -> None:
    """Raise it as it comes, or as the SDK wraps what goes wrong at a login."""
    try:
        raise wrong
    except ClientException as error:
        if wrapped:
            raise SDKException(str(error)) from error
        raise


@pytest.mark.parametrize(
    "wrong, said",
    [
        (Unauthorized("no"), "does not let us in"),
        (ConnectFailure("refused"), "does not answer (refused)"),
        (SDKException("odd"), "cloud a: odd"),
        (OptionError("no secret"), "a part of the login is missing (no secret)"),
        (ConfigException("Cloud a was not found."), "It is looked for in ./clouds.yaml, ~/.config"),
        (SecretMissing(reference("env:SECRET"), "it is not set"), "env:SECRET: it is not set"),
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_what_goes_wrong_with_a_cloud_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, wrong: Exception, said: str, *, wrapped: bool
) -> None:
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE", raising=False)
    with pytest.raises(BackendError) as told, translated(cloud("a")):
        _raise(wrong, wrapped=wrapped)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_state_that_holds_everything_has_nothing_to_ask(programme: Programme) -> None:
    site = declare_site(programme, programme.sites[0], KINDS)
    held = {("Network", each.name) for each in site.networks} | {
        ("SecGroup", each.name) for each in site.security_groups
    }
    held |= {("ServerGroup", each.name) for each in site.server_groups}
    held |= {("Instance", each.name) for each in site.servers}
    assert complete(site, Held(frozenset(held)))
    assert not complete(site, Held(frozenset(held - {("Instance", site.servers[0].name)})))
