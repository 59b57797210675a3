"""The archive's deposit service as surveyed: each deposit is one file.

POST /deposits {"reference": NAME}    201, or 409 where it has been deposited
GET  /deposits/count                  200 {"count": N}
GET  /deposits/NAME                   200, or 404
GET  /deposits?prefix=TEXT            200 {"references": [names of all that begin so]}
"""

import json
import os
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DEPOSITS = Path("/srv/archive/deposits")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")


class Handler(BaseHTTPRequestHandler):
    """Answers one client."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Take a deposit; it is on the disk before it is confirmed."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            name = str(json.loads(body)["reference"])
        except (ValueError, KeyError, TypeError):
            name = ""
        if self.path != "/deposits" or not NAME.fullmatch(name):
            return self.answer(400, {"error": 'a deposit is {"reference": NAME}'})
        try:
            with (DEPOSITS / name).open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            return self.answer(409, {"error": "this has been deposited"})
        except OSError as error:
            self.log_error("%s", error)
            return self.answer(503, {"error": "the store takes no deposits"})
        return self.answer(201, {"reference": name})

    def do_GET(self):
        """Show a deposit, or how many there are."""
        if self.path == "/deposits/count":
            return self.answer(200, {"count": sum(1 for _ in os.scandir(DEPOSITS))})
        if self.path.startswith("/deposits?prefix="):
            prefix = self.path[len("/deposits?prefix=") :]
            found = [entry.name for entry in os.scandir(DEPOSITS) if entry.name.startswith(prefix)]
            return self.answer(200, {"references": found})
        name = self.path[len("/deposits/") :]
        if not self.path.startswith("/deposits/") or not NAME.fullmatch(name):
            return self.answer(404, {"error": "no such place"})
        try:
            return self.answer(200, json.loads((DEPOSITS / name).read_bytes()))
        except FileNotFoundError:
            return self.answer(404, {"error": "no such deposit"})

    def answer(self, status, value):
        """Write one JSON answer."""
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_request(self, code="-", size="-"):
        """Keep the journal for what went wrong."""


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", 8090), Handler).serve_forever()
