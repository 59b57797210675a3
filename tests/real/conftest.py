"""What tests on real parts share."""

from collections.abc import Iterator

import pytest

from tests.real.routers import Routers


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Routers]:
    """Real routers with users behind them, as surveyed; every test leaves them so."""
    routers = Routers(tmp_path_factory.mktemp("routers"))
    try:
        routers.up()
        yield routers
    finally:
        routers.down()
