"""Somebody listens between two departments' networks, or stands in for a server there: real clusters, a real wire."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import ValidationError

from playbooks.agents.answers import TaskResult
from tests.real.postgresql.laboratory import Laboratory, Moving
from tests.real.steps import until

pytestmark = [pytest.mark.real]
SECRET, LATER = "citizen-370282-0001", "citizen-370282-0002"
LISTENER = """
import socket
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(("new", 0))
print("listening", flush=True)
while True:
    with open("/tmp/heard", "ab") as file:
        file.write(wire.recv(70000))
"""
# Answers under the source's address: with a certificate that names it, or as a server that knows no TLS.
IMPOSTOR = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tmp/false.crt", "/tmp/false.key")
server = socket.create_server(("10.11.0.10", 5432))
print("standing in", flush=True)
while True:
    client, _ = server.accept()
    with open("/tmp/told", "ab", 0) as file, client:
        client.settimeout(3)
        file.write(b"came;")
        try:
            client.recv(8)
            client.sendall(sys.argv[1].encode())
            client = context.wrap_socket(client, server_side=True) if sys.argv[1] == "S" else client
            file.write(b"said:" + client.recv(2000) + b";")
        except OSError:
            pass
"""
FALSE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=10.11.0.10 "
    "-addext subjectAltName=IP:10.11.0.10 -keyout /tmp/false.key -out /tmp/false.crt 2>&1"
)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """Two clusters that show Debian's snake oil, and a wire between them."""
    laboratory = Laboratory(tmp_path_factory.mktemp("clear"))
    yield laboratory
    laboratory.close()


@pytest.fixture(scope="module")
def moving(laboratory: Laboratory) -> Moving:
    """A database whose copy follows; the wire was listened to while it was made."""
    laboratory.sql("source", "CREATE DATABASE people", "postgres")
    rows = f"CREATE TABLE people (number text PRIMARY KEY); INSERT INTO people VALUES ('{SECRET}')"
    laboratory.sql("source", rows, "people")
    moving = Moving(laboratory, "people")
    with _running(laboratory, LISTENER, "listening"):
        for name in ("prepare", "replicate"):
            moving.step(name)
    return moving


def test_a_source_shows_its_own_certificate_again_once_the_move_is_withdrawn(laboratory: Laboratory) -> None:
    laboratory.sql("source", "CREATE DATABASE back", "postgres")
    moving = Moving(laboratory, "back")
    before = _shown(laboratory)
    moving.step("prepare")
    assert _shown(laboratory) != before
    moving.step("prepare", "undo")
    until(lambda: _shown(laboratory) == before, 10)


@pytest.mark.parametrize("answers, refusal", [("S", "certificate verify failed"), ("N", "server does not support SSL")])
def test_who_stands_in_for_a_server_is_refused_and_is_told_nothing(
    moving: Moving, laboratory: Laboratory, answers: str, refusal: str
) -> None:
    assert laboratory.run("target", FALSE).returncode == 0
    laboratory.run("target", "rm -f /tmp/told; ip address add 10.11.0.10/32 dev lo")
    try:
        with _running(laboratory, IMPOSTOR, "standing in", answers):
            found = moving.verb("target", "replicate", "probe")["answer"]["facts"]["reason"]
    finally:
        laboratory.run("target", "ip address del 10.11.0.10/32 dev lo")
    assert refusal in found
    told = laboratory.run("target", "cat /tmp/told").stdout
    assert "came;" in told
    assert "said:" not in told.replace("said:;", "")


def test_who_listens_between_the_networks_hears_no_row_and_no_password(moving: Moving, laboratory: Laboratory) -> None:
    with _running(laboratory, LISTENER, "listening"):
        for name in ("replicate", "lag", "switch"):
            moving.step(name)
        laboratory.sql("target", f"INSERT INTO people VALUES ('{LATER}')", "people")
        until(lambda: LATER in laboratory.sql("source", "SELECT * FROM people", "people"))
        moving.step("verify")
        # The listener does hear what is said in the clear.
        said = "import socket; socket.socket(2, 2).sendto(b'in the clear', ('10.11.0.21', 9))"
        laboratory.run("source", f'python3 -c "{said}"')
        until(lambda: "in the clear" in _heard(laboratory))
    heard = _heard(laboratory)
    assert len(heard) > 20_000
    for secret in (SECRET, LATER, "SCRAM-SHA-256", "CREATE TABLE"):
        assert secret not in heard


def test_an_answer_names_one_server_and_brings_no_more_than_certificates() -> None:
    one = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert TaskResult.model_validate({"server": {"certificate": one, "name": "10.1.2.3"}})
    for certificate, name in ((one * 3, "db"), (one + "x", "db"), (one, "db sslmode=disable"), (one, "db\n")):
        with pytest.raises(ValidationError):
            TaskResult.model_validate({"server": {"certificate": certificate, "name": name}})


def _shown(laboratory: Laboratory) -> str:
    """Return the settings of TLS that the source has in force."""
    names = "'ssl', 'ssl_cert_file', 'ssl_key_file'"
    return laboratory.sql("source", f"SELECT name, setting FROM pg_settings WHERE name IN ({names})", "postgres")


def _heard(laboratory: Laboratory) -> str:
    return laboratory.run("target", "cat /tmp/heard | tr -c '[:print:]' ' '").stdout


@contextmanager
def _running(laboratory: Laboratory, program: str, ready: str, *words: str) -> Iterator[None]:
    command = " ".join(shlex.quote(word) for word in ("python3", "-c", program, *words))
    number = laboratory.run("target", f"{command} > /tmp/program.said 2>&1 & echo $!").stdout.strip()
    until(lambda: ready in laboratory.run("target", "cat /tmp/program.said").stdout)
    try:
        yield
    finally:
        laboratory.run("target", f"kill {number}")
