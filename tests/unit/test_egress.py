"""Programs in a network namespace of their own speak to the outside through the egress proxy, and to nothing else."""

import asyncio
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from infra.egress_client import PROXIES, EgressClient
from infra.egress_proxy import directly, serve


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = f"{self.path} {self.headers['Connection']} {len(body)}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def far() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def egress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(tmp_path / "egress", directly), loop).result()
    yield tmp_path / "egress"
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def test_requests_go_out_through_it_and_each_may_mean_another_host(egress: Path, far: int) -> None:
    client = EgressClient(egress)
    client.open()
    proxies = {"http": os.environ["http_proxy"]}
    with requests.Session() as session:
        session.trust_env = False
        for path in ("/v3", "/v3/auth?nocatalog"):
            answer = session.post(f"http://127.0.0.1:{far}{path}", data=b"x" * 300_000, proxies=proxies)
            assert answer.text == f"{path} close 300000"
        gone = session.post("http://127.0.0.1:1/", data=b"", proxies=proxies)
        assert gone.status_code == 502
    client.close()
    assert (egress.stat().st_mode & 0o777) == 0o600


def test_a_port_of_the_loopback_is_lent_before_the_next_one_is_asked_for(egress: Path, far: int) -> None:
    client = EgressClient(egress)
    asked: list[int] = []

    def ports() -> Iterator[int]:
        free = 47811
        # Inside and outside are one loopback here: what is lent leads to itself unless it is another port.
        yield free
        asked.append(free)
        yield free

    client.lend(ports())
    assert asked == [47811]
    client.close()
    assert far


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n", b"GET ftp://a/ HTTP/1.1\r\n\r\n", b"CONNECT a:b HTTP/1.1\r\n\r\n"],
)
def test_whoever_asks_for_nothing_sensible_is_refused(egress: Path, head: bytes) -> None:
    async def ask() -> bytes:
        reader, writer = await asyncio.open_unix_connection(egress)
        writer.write(head)
        said = await reader.read()
        writer.close()
        return said

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 400 ")
