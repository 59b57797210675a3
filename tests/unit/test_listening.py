"""Where a service takes connections, as the kernel tells it: from everywhere, or from its own host alone."""

# ruff: noqa: I001 - what runs on hosts is importable once `hostside` is
from pathlib import Path

import pytest

from tests.unit import hostside  # noqa: F401

from ansible.module_utils.zhenghe_service import listening

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def _line(address: str, state: str = "0A") -> str:
    return f"   0: {address}:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 1 1\n"


@pytest.mark.parametrize(
    "file, address, outside",
    [
        ("tcp", "00000000", True),
        ("tcp", "200C0C0A", True),
        ("tcp", "0100007F", False),
        ("tcp", "0501007F", False),
        ("tcp6", "0" * 32, True),
        ("tcp6", "0" * 24 + "01000000", False),
        ("tcp6", "0000000000000000FFFF00000100007F", False),
        ("tcp6", "0000000000000000FFFF0000200C0C0A", True),
        ("tcp6", "000080FE00000000FF005450B6AD7FFE", True),
    ],
)
def test_a_port_on_the_own_host_alone_is_none_for_others(
    tmp_path: Path, file: str, address: str, *, outside: bool
) -> None:
    (tmp_path / file).write_text(HEAD + _line(address))
    assert listening(tmp_path) == {8080}
    assert listening(tmp_path, from_outside=True) == ({8080} if outside else set())


def test_a_connection_is_nobody_who_listens(tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text(HEAD + _line("00000000", "01"))
    assert listening(tmp_path) == set()
