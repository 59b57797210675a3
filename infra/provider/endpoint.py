"""Speaks to the twin's cloud over the twin's control socket: one line of JSON there, one line back, for each call.

EndpointError           a call to the cloud did not succeed
├── Unreachable         nobody answers at the socket: the twin is down
├── Refused             the cloud said no; carries its code
├── Ambiguous           several resources have one name that must be unique; carries their ids
└── Different           what has the unique name is not what is wanted, and could only be made anew
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from inventory.errors import ZhengheError
from inventory.words import _

# A network or a host may take this long to make on a busy machine; each call is answered well before.
_PATIENCE_SECONDS = 120.0


class EndpointError(ZhengheError):
    """A call to the cloud did not succeed; the message says what, why and what to do next."""


class Unreachable(EndpointError):
    """Nobody answers at the socket."""


class Refused(EndpointError):
    """The cloud refuses the call."""

    def __init__(self, code: int, message: str) -> None:
        """Keep the cloud's code beside its message."""
        super().__init__(message)
        self.code = code


class Ambiguous(EndpointError):
    """Several resources have one name that must be unique, so none of them may be taken."""

    def __init__(self, kind: str, name: str, identities: tuple[str, ...]) -> None:
        """Name the resources that share a name."""
        super().__init__(
            _("{count} resources of kind {kind} are named {name} ({ids}): delete those that are too many").format(
                count=len(identities), kind=kind, name=name, ids=", ".join(identities)
            )
        )
        self.kind, self.name, self.identities = kind, name, identities


class Different(EndpointError):
    """A resource of the unique name is there, and differs in what cannot be changed."""

    def __init__(self, kind: str, name: str, fields: tuple[str, ...]) -> None:
        """Name the fields that differ."""
        super().__init__(
            _(
                "a {kind} named {name} exists with another {fields}: it is not replaced, since it may hold data; "
                "delete it, or declare it as it is"
            ).format(kind=kind, name=name, fields=", ".join(fields))
        )
        self.kind, self.name, self.fields = kind, name, fields


class Endpoint:
    """The twin's cloud behind a Unix socket; every call is a connection of its own, so threads may share this."""

    def __init__(self, path: Path) -> None:
        """Remember where the twin's control socket is; nothing is opened yet."""
        self._path = path

    def call(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Return the result of `KIND.VERB`; raise Refused or Unreachable."""
        request = json.dumps({"call": f"cloud.{verb}", "arguments": arguments})
        try:
            line = self._exchange(request.encode() + b"\n")
            answer = json.loads(line)
        except (OSError, ValueError) as error:
            raise Unreachable(
                _("the cloud does not answer at {path} ({why}): is the twin up? see zhenghe twin list").format(
                    path=self._path, why=error
                )
            ) from error
        if "error" in answer:
            raise Refused(int(answer["error"].get("code", 500)), str(answer["error"]["message"]))
        result = answer["result"]
        assert isinstance(result, dict)
        return result

    def named(self, kind: str, site: str, name: str) -> dict[str, Any] | None:
        """Return the one resource of that name at that site, or None; raise Ambiguous where there are several."""
        items = self.call(f"{kind}.list", name=name, site=site)["items"]
        if len(items) > 1:
            raise Ambiguous(kind, name, tuple(item["id"] for item in items))
        found: dict[str, Any] | None = items[0] if items else None
        return found

    def _exchange(self, line: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PATIENCE_SECONDS)
            connection.connect(str(self._path))
            connection.sendall(line)
            with connection.makefile("rb") as answer:
                return answer.readline()
