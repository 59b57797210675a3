"""What leads out of an OpenStack into a twin, and what a laboratory has to offer for a programme's sites."""

import pytest

from infra.twin.layout import LayoutError
from infra.twin.outside import furniture, outsides
from inventory.derived.wiring import interfaces
from inventory.model import Programme, Site, SiteCloud, SiteFlavor, SiteImage, SiteUplink


def with_cloud(programme: Programme, name: str, cloud: SiteCloud) -> Programme:
    def changed(site: Site) -> Site:
        return site.model_copy(update={"cloud": cloud}) if site.name == name else site

    return programme.model_copy(update={"sites": tuple(map(changed, programme.sites))})


def test_each_network_outside_has_one_edge_and_addresses_that_nobody_uses(programme: Programme) -> None:
    found = outsides(programme)
    assert {(each.edge, each.domain) for each in found} == {
        ("pe1", "administrative"), ("pe2", "administrative"), ("pe2", "public"),
    }  # fmt: skip
    assert len({each.uplink.prefix for each in found}) == 3
    used = [wire.address.network for wire in interfaces(programme)]
    assert not [each for each in found if any(each.uplink.prefix.overlaps(prefix) for prefix in used)]
    assert all(each.address.ip == each.uplink.prefix[1] for each in found)


def test_a_domain_without_an_uplink_is_refused_by_name(programme: Programme) -> None:
    with pytest.raises(LayoutError, match=r"site dr-b: .*domain administrative.*cloud\.uplinks"):
        outsides(with_cloud(programme, "dr-b", SiteCloud()))


def test_one_uplink_for_two_edges_is_refused(programme: Programme) -> None:
    (same,) = (each.uplink.name for each in outsides(programme) if (each.edge, each.domain) == ("pe2", "public"))
    uplinks = (SiteUplink(domain="administrative", network=same),)
    with pytest.raises(LayoutError, match="name one for each"):
        outsides(with_cloud(programme, "dr-b", SiteCloud(uplinks=uplinks)))


def test_a_laboratory_offers_what_the_sites_call_their_own(programme: Programme) -> None:
    usual = furniture(programme)
    assert set(usual.flavors) == {size.name for size in programme.sizes}
    assert usual.images == {"bookworm": "bookworm"}
    (site,) = (site for site in programme.sites if site.name == "dr-b")
    assert site.cloud is not None
    size = programme.sizes[0]
    cloud = site.cloud.model_copy(
        update={
            "flavors": (SiteFlavor(size=size.name, flavor="s6.large"),),
            "images": (SiteImage(release="bookworm", image="Debian-12-gov"),),
        }
    )
    named = furniture(with_cloud(programme, "dr-b", cloud))
    assert (named.flavors["s6.large"].cpus, named.flavors["s6.large"].memory) == (size.cpus, size.memory)
    assert named.images == {"bookworm": "bookworm", "Debian-12-gov": "bookworm"}


def test_a_release_of_which_the_twin_has_no_image_is_refused(programme: Programme) -> None:
    (site,) = (site for site in programme.sites if site.name == "dr-b")
    assert site.cloud is not None
    other = site.cloud.model_copy(update={"release": "kylin-10"})
    with pytest.raises(LayoutError, match="no image of release kylin-10"):
        furniture(with_cloud(programme, "dr-b", other))
