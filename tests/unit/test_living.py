"""A twin whose supervisor was ended is told as such before anything else is tried."""

import socket
from pathlib import Path

import pytest

from infra.worlds import CloudSettings, World
from migrations.cli.help import WrongUse
from migrations.cli.wanted import living


def _twin(endpoint: Path) -> World:
    cloud = CloudSettings(backend="twin", endpoint=str(endpoint))
    return World(name="yunhe", kind="twin", ssh_config=endpoint.with_name("ssh_config"), cloud=cloud)


def test_a_socket_that_nobody_serves_is_a_twin_that_was_ended(tmp_path: Path) -> None:
    world = _twin(tmp_path / "control.sock")
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(world.cloud.endpoint)
        control.listen()
        assert living(world) is world
    with pytest.raises(WrongUse, match=r"twin yunhe does not run any more.*zhenghe twin up"):
        living(world)


def test_a_real_world_is_not_asked(tmp_path: Path) -> None:
    world = _twin(tmp_path / "none").model_copy(update={"kind": "real"})
    assert living(world) is world
