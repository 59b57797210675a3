"""The archive's deposit service as surveyed: each deposit is one file.

POST /deposits {"reference": NAME}    201, or 409 where it has been deposited
GET  /deposits/count                  200 {"count": N}
GET  /deposits/NAME                   200, or 404
GET  /deposits?prefix=TEXT            200 {"references": [names of all that begin so]}
"""

import json
import os
import re
from pathlib import Path

from answering import Answering, serve

DEPOSITS = Path("/srv/archive/deposits")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")


class Deposits(Answering):
    """Answers one client."""

    def take(self, path, order):
        """Take a deposit; it is on the disk before it is confirmed."""
        name = str(order.get("reference", ""))
        if path != "/deposits" or not NAME.fullmatch(name):
            return 400, {"error": "a deposit is {reference: NAME}, at /deposits"}
        try:
            with (DEPOSITS / name).open("xb") as file:
                file.write(json.dumps(order).encode())
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            return 409, {"error": "this has been deposited"}
        except OSError as error:
            self.log_error("%s", error)
            return 503, {"error": "the store takes no deposits"}
        return 201, {"reference": name}

    def show(self, path):
        """Show a deposit, or how many there are."""
        if path == "/deposits/count":
            return 200, {"count": sum(1 for _ in os.scandir(DEPOSITS))}
        if path.startswith("/deposits?prefix="):
            prefix = path[len("/deposits?prefix=") :]
            found = [entry.name for entry in os.scandir(DEPOSITS) if entry.name.startswith(prefix)]
            return 200, {"references": found}
        name = path[len("/deposits/") :]
        if not path.startswith("/deposits/") or not NAME.fullmatch(name):
            return 404, {"error": "no such place"}
        try:
            return 200, json.loads((DEPOSITS / name).read_bytes())
        except FileNotFoundError:
            return 404, {"error": "no such deposit"}


if __name__ == "__main__":
    serve(Deposits, 8090)
