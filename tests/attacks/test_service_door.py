"""Strangers at the service's door: another user, words that nobody knows, and words without an end."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrations.service.desk import Desk
from migrations.service.door import Absent, Door, ask
from migrations.service.messages import AskOutcome, AskState, Order, PlaceOrder, Reply, Request

NOBODY = 65534
AS_NOBODY = f"""
import os, socket, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
with socket.socket(socket.AF_UNIX) as stream:
    try:
        stream.connect(sys.argv[1])
        stream.sendall(b'{{"ask": "state"}}\\n')
        print("heard", stream.recv(100))
    except OSError as exc:
        print("refused", type(exc).__name__)
"""


class _Answers:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.asked: list[tuple[Request, int]] = []

    def __call__(self, request: Request, process: int) -> Reply:
        self.asked.append((request, process))
        if isinstance(request, PlaceOrder):
            return Reply(number=self.desk.place(request.order))
        return Reply()


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that lets everybody in, so that the door alone keeps them out."""
    with tempfile.TemporaryDirectory(prefix="zh-door-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / ("long-" * 18) / "door.sock"


@pytest.fixture
def answers(place: Path) -> Iterator[_Answers]:
    answers = _Answers(Desk(place.parent / "orders"))
    door = Door(place, answers)
    yield answers
    door.close()


def test_our_own_user_is_answered_and_known_by_the_kernels_word(place: Path, answers: _Answers) -> None:
    order = Order(run="run", deed="apply", units=("system:a",), by={"user": "somebody"})
    assert ask(place, PlaceOrder(order=order)).number == 1
    assert ask(place, PlaceOrder(order=order)).number == 2
    assert [process for _request, process in answers.asked] == [os.getpid()] * 2
    assert [number for number, _order in answers.desk.outstanding()] == [1, 2]


@pytest.mark.real
def test_another_user_is_left_without_a_word(place: Path, answers: _Answers) -> None:
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    # Even where somebody has opened folder and socket to all.
    place.parent.chmod(0o755)
    place.chmod(0o666)
    with tempfile.TemporaryDirectory(prefix="zh-") as short:
        Path(short).chmod(0o755)
        link = Path(short) / "door"
        link.symlink_to(place.parent)
        command = [sys.executable, "-c", AS_NOBODY, str(link / place.name)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert said in {"heard b''", "refused BrokenPipeError", "refused ConnectionResetError"}
    assert answers.asked == []


@pytest.mark.parametrize(
    "said",
    [
        b"no json\n",
        b'{"ask": "shell", "command": "id"}\n',
        b'{"ask": "order", "order": {"run": "../../etc", "deed": "apply"}}\n',
        b'{"ask": "order", "order": {"run": "run", "deed": "remove"}}\n',
        b'{"ask": "order", "order": {"run": "run", "deed": "apply", "also": 1}}\n',
        json.dumps({"ask": "order", "order": {"run": "r", "deed": "apply", "units": ["a" * 401]}}).encode() + b"\n",
        b"[" * 100_000 + b"\n",
        b"a" * (5 << 20),
    ],
    ids=("noise", "unknown", "way out", "deed", "field", "long word", "nested", "endless"),
)
def test_what_nobody_knows_is_refused_in_words_and_the_door_stays_open(
    place: Path, answers: _Answers, said: bytes
) -> None:
    folder = os.open(place.parent, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(f"/proc/self/fd/{folder}/{place.name}")
        try:
            stream.sendall(said)
            reply = Reply.model_validate_json(stream.makefile("rb").readline())
            assert "does not know this request" in reply.error
        except (BrokenPipeError, ConnectionResetError):
            # Who says more than is listened to is not listened to any more.
            assert len(said) > 4 << 20
    os.close(folder)
    assert answers.asked == []
    assert ask(place, AskState()) == Reply()


def test_nobody_at_the_door_is_told_as_absent(place: Path) -> None:
    with pytest.raises(Absent):
        ask(place, AskState())
    place.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        folder = os.open(place.parent, os.O_PATH)
        left.bind(f"/proc/self/fd/{folder}/{place.name}")
        os.close(folder)
    # What a killed service leaves behind.
    with pytest.raises(Absent):
        ask(place, AskOutcome(number=1))
