"""The clouds on which the tests of backends stand."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.laboratory.laboratory import Laboratory, NotHere
from tests.real.clouds.grounds import Ground, TwinGround
from tests.real.clouds.openstack_ground import OpenStackGround


@pytest.fixture(scope="package")
def cloud_laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A real OpenStack, started once for all tests that need one, and ended before others measure anything."""
    started = Laboratory(tmp_path_factory.mktemp("laboratory"))
    try:
        started.start(print)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OS_CLIENT_CONFIG_FILE", str(started.clouds))
            yield started
    except NotHere as why:
        pytest.skip(str(why))
    finally:
        started.stop()


@pytest.fixture
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """The cloud that a test is parametrized with."""
    if request.param == "twin":
        with contextlib.closing(TwinGround(tmp_path)) as twin:
            yield twin
        return
    yield request.getfixturevalue("real_cloud")


@pytest.fixture
def real_cloud(tmp_path: Path, cloud_laboratory: Laboratory) -> Iterator[OpenStackGround]:
    """A real OpenStack, with nothing in it before a test and after it."""
    real = OpenStackGround(tmp_path, cloud_laboratory)
    yield real
    with contextlib.closing(real):
        real.clear()
