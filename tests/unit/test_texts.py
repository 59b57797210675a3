"""Whatever bytes a device's configuration has: they come back as they were, in one piece or several."""

import pytest

from netcfg.guards.texts import data_of, legible, pieces, text_of

GBK = "description 政务外网 leased".encode("gb18030")
MIXED = "description 卢湾路机房?\n".encode() + GBK + b"\xff\x80\n!"


@pytest.mark.parametrize("data", [b"", b"plain", "政务外网".encode(), GBK, MIXED, bytes(range(256))])
def test_bytes_come_back_as_they_were(data: bytes) -> None:
    assert data_of(text_of(data)) == data


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_character_may_come_in_pieces(size: int) -> None:
    coming = pieces()
    assert "".join(coming.decode(MIXED[at : at + size]) for at in range(0, len(MIXED), size)) == text_of(MIXED)


def test_people_read_the_characters() -> None:
    assert legible(text_of(MIXED)).split("\n")[:2] == ["description 卢湾路机房?", "description 政务外网 leased��"]
