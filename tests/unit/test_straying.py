"""Which servers of a cloud count as never having come up, and are taken away before a site is made."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from infra.backends import BackendError
from infra.declaration import SiteDeclaration
from infra.openstack.straying import clear_failed, in_error
from tests.real.clouds.grounds import declared

SITE: SiteDeclaration = declared(hosts=1, volume=0)


class Servers:
    """A cloud with one server, which is seen in these statuses one after another; the last one stays."""

    def __init__(self, *statuses: str, age: float = 0.0, launched: str | None = None) -> None:
        self._statuses = list(statuses)
        created = datetime.now(UTC) - timedelta(seconds=age)
        self._fields = {"id": "1", "name": "cloud-a-db-1", "created_at": created.isoformat(), "launched_at": launched}
        self.deleted: list[str] = []
        self.compute = self

    def servers(self, name: str) -> Iterator[Any]:
        assert name == "^cloud\\-a\\-db\\-1$"
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        yield SimpleNamespace(status=status, **self._fields)

    def delete_server(self, server: str, *, ignore_missing: bool) -> None:
        assert ignore_missing
        self.deleted.append(server)

    def wait_for_delete(self, _server: object, wait: float) -> None:
        assert wait


@pytest.mark.parametrize("age", [31.0, 100_000.0])
def test_a_server_that_has_been_built_for_too_long_is_taken_away(age: float) -> None:
    cloud = Servers("BUILD", age=age)
    assert clear_failed(cloud, SITE, patience=30) == ("cloud-a-db-1",)
    assert cloud.deleted == ["1"]


@pytest.mark.parametrize("age", [0.0, -100_000.0])
def test_a_server_that_is_being_built_is_waited_for_whatever_the_clocks_say(age: float) -> None:
    cloud = Servers("BUILD", "BUILD", "ACTIVE", age=age)
    assert clear_failed(cloud, SITE, patience=30) == ()
    assert cloud.deleted == []


def test_a_server_in_error_that_never_was_up_is_taken_away_and_one_that_was_is_named() -> None:
    assert clear_failed(Servers("ERROR"), SITE, patience=30) == ("cloud-a-db-1",)
    held = Servers("ERROR", launched="2026-01-01T00:00:00Z")
    with pytest.raises(BackendError, match="may hold data: cloud-a-db-1"):
        clear_failed(held, SITE, patience=30)
    assert held.deleted == []


class Volumes(Servers):
    """The same cloud, in which the server's volume has a status."""

    def __init__(self, status: str) -> None:
        super().__init__("ACTIVE")
        self._status = status
        self.block_storage = self

    def has_service(self, service: str) -> bool:
        return service == "block-storage"

    def servers(self, name: str = "", **_filters: str) -> Iterator[Any]:
        return super().servers(name) if name else iter(())

    def volumes(self) -> Iterator[Any]:
        yield SimpleNamespace(name="cloud-a-db-1", status=self._status)
        yield SimpleNamespace(name="somebody-else-s", status="error")


def test_a_volume_in_error_is_named_and_left_to_a_person() -> None:
    site = declared(hosts=1)
    assert in_error(Volumes("in-use"), site) == set()
    assert clear_failed(Volumes("in-use"), site, patience=30) == ()
    assert in_error(Volumes("error"), site) == {"cloud-a-db-1"}
    with pytest.raises(BackendError, match="may hold data: cloud-a-db-1"):
        clear_failed(Volumes("error"), site, patience=30)
    assert in_error(Volumes("error"), SITE) == set()
