"""A small cloud with OpenStack's nouns, for the twin: what a Pulumi provider asks, the substrate does.

As in OpenStack, ids are made by the cloud and names need not be unique: a second create makes a second resource.
Every resource belongs to a site. Servers are built in the background (BUILD, then ACTIVE, or ERROR with a fault), so
a caller that is killed leaves something behind that has to be found again by its name.

    CloudError              refused; its code is the one that OpenStack would answer
    ├── Invalid (400)       the arguments are wrong; all that is wrong is named at once
    ├── NotFound (404)      there is no resource of that id
    ├── Conflict (409)      an address is taken, a resource is in use
    └── Failed (500)        the substrate could not do it
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from pydantic import ValidationError

from infra.twin.resources import (
    REQUESTS,
    UPDATABLE,
    NetworkRequest,
    RecoveryPairingRequest,
    Request,
    SecurityGroupRequest,
    ServerRequest,
)
from infra.twin.substrate import HostSpec, PacketRule, Segment, Substrate, SubstrateError
from inventory.base import Model
from inventory.errors import ZhengheError

Answer = dict[str, Any]


class CloudError(ZhengheError):
    """A request that the cloud refuses."""

    code = 500


class Invalid(CloudError):
    """The arguments do not describe a resource."""

    code = 400


class NotFound(CloudError):
    """There is no resource of that id."""

    code = 404


class Conflict(CloudError):
    """The request contradicts what exists."""

    code = 409


class Failed(CloudError):
    """The substrate could not do what the request needs."""


class _Record:
    """A resource as it is now; `busy` is held while the substrate works on it."""

    def __init__(self, kind: str, request: Request) -> None:
        self.id = str(uuid.uuid4())
        self.kind = kind
        self.request = request
        self.status = "ACTIVE"
        self.fault: str | None = None
        self.hypervisor = ""
        self.gone = False
        self.busy = threading.Lock()


class Cloud:
    """All sites' resources, in memory; every method may be called from several threads."""

    _WORKERS: ClassVar[int] = 4

    def __init__(self, substrate: Substrate, hypervisors_per_site: int = 3) -> None:
        """Start with no resource; each site that is named gets so many hypervisors."""
        self._substrate = substrate
        self._hypervisors = hypervisors_per_site
        self._records: dict[str, _Record] = {}
        self._lock = threading.RLock()
        self._builders = ThreadPoolExecutor(self._WORKERS, thread_name_prefix="cloud-build")

    def call(self, verb: str, arguments: Mapping[str, Any]) -> Answer:
        """Answer `KIND.VERB` with {"result": ...}, or {"error": {"code", "message"}} where it is refused.

        list {name?, site?} -> {"items": [...]}; get, delete {id}; create {the request's fields}; update {id, fields}.
        """
        kind, _, action = verb.partition(".")
        actions: dict[str, Callable[[str, Mapping[str, Any]], Answer]] = {
            "list": self._list,
            "get": self._get,
            "create": self._create,
            "update": self._update,
            "delete": self._delete,
        }
        try:
            if kind not in REQUESTS or action not in actions:
                raise Invalid(f"there is no call {verb}")
            return {"result": actions[action](kind, arguments)}
        except CloudError as error:
            return {"error": {"code": error.code, "message": str(error)}}

    def close(self) -> None:
        """Wait until the servers that are being built are built; the cloud takes no new ones after it."""
        self._builders.shutdown()

    # -- the five verbs ------------------------------------------------------------------------------------------

    def _list(self, kind: str, arguments: Mapping[str, Any]) -> Answer:
        asked = _Filter.of(arguments)
        with self._lock:
            found = [record for record in self._records.values() if record.kind == kind and asked.matches(record)]
        return {"items": [self._shown(record) for record in found]}

    def _get(self, kind: str, arguments: Mapping[str, Any]) -> Answer:
        return self._shown(self._find(kind, arguments.get("id")))

    def _create(self, kind: str, arguments: Mapping[str, Any]) -> Answer:
        record = _Record(kind, _validated(kind, arguments))
        with record.busy:
            with self._lock:
                self._admit(record)
                self._records[record.id] = record
            self._realise(record)
        return self._shown(record)

    def _update(self, kind: str, arguments: Mapping[str, Any]) -> Answer:
        record = self._find(kind, arguments.get("id"))
        news = {name: value for name, value in arguments.items() if name != "id"}
        fixed = sorted(set(news) - UPDATABLE[kind])
        if fixed:
            raise Invalid(f"{kind} {record.request.name}: {', '.join(fixed)} cannot be changed, only made anew")
        with self._lock:
            request = _validated(kind, record.request.model_dump(mode="json") | news)
            if isinstance(request, ServerRequest):
                self._references(request)
            record.request = request
        if isinstance(request, SecurityGroupRequest):
            self._refilter(record.id)
        elif isinstance(request, ServerRequest):
            self._restart(record, request)
        return self._shown(record)

    def _delete(self, kind: str, arguments: Mapping[str, Any]) -> Answer:
        record = self._find(kind, arguments.get("id"))
        with record.busy:
            with self._lock:
                if record.gone:
                    raise _missing(kind, record.id)
                self._refuse_if_used(record)
                record.gone = True
            try:
                self._remove(record)
            except SubstrateError as error:
                record.gone = False
                raise Failed(f"{kind} {record.request.name} is still there: {error}") from error
            with self._lock:
                del self._records[record.id]
        return {}

    # -- admission -----------------------------------------------------------------------------------------------

    def _find(self, kind: str, identity: object) -> _Record:
        with self._lock:
            record = self._records.get(identity) if isinstance(identity, str) else None
        if record is None or record.kind != kind:
            raise _missing(kind, identity)
        return record

    def _of_site(self, kind: str, site: str) -> list[_Record]:
        return [record for record in self._records.values() if record.kind == kind and record.request.site == site]

    def _admit(self, record: _Record) -> None:
        request = record.request
        if isinstance(request, NetworkRequest):
            # A router takes a prefix once; a second network of that prefix exists, as in Neutron, but leads nowhere.
            taken = any(_excludes(other.request, request) for other in self._records.values() if other.status != "DOWN")
            record.status = "DOWN" if taken else "BUILD"
        elif isinstance(request, ServerRequest):
            self._references(request)
            self._place(record, request)

    def _references(self, request: ServerRequest) -> None:
        network = self._find("network", request.network)
        self._find("server_group", request.server_group)
        for group in request.security_groups:
            self._find("security_group", group)
        wanted = network.request
        if network.status != "ACTIVE" or not isinstance(wanted, NetworkRequest):
            raise Conflict(f"network {wanted.name} ({network.id}) is {network.status}: its prefix is routed elsewhere")
        if request.address not in wanted.prefix:
            raise Invalid(f"server {request.name}: {request.address} is not in {wanted.prefix} of {wanted.name}")

    def _place(self, record: _Record, request: ServerRequest) -> None:
        others = [(other, other.request) for other in self._records.values()
                  if isinstance(other.request, ServerRequest) and other.status != "ERROR"]  # fmt: skip
        for other, theirs in others:
            if (theirs.network, theirs.address) == (request.network, request.address):
                raise Conflict(f"server {request.name}: {request.address} is used by {theirs.name} ({other.id})")
        twins = [other.id for other, theirs in others if theirs.name == request.name]
        apart = {other.hypervisor for other, theirs in others if theirs.server_group == request.server_group}
        loads = Counter(other.hypervisor for other, _ in others)
        names = [f"{request.site}-hypervisor-{number}" for number in range(1, self._hypervisors + 1)]
        free = sorted((loads[name], name) for name in names if name not in apart)
        if twins:
            record.status, record.fault = "ERROR", f"a host named {request.name} is there already ({twins[0]})"
        elif not free:
            record.status, record.fault = "ERROR", "No valid host was found. There are not enough hosts available."
        else:
            record.status, record.hypervisor = "BUILD", free[0][1]

    def _refuse_if_used(self, record: _Record) -> None:
        users = [
            server.request.name
            for server in self._records.values()
            if isinstance(server.request, ServerRequest) and not server.gone and record.id in _uses(server.request)
        ]
        if users:
            raise Conflict(f"{record.kind} {record.request.name} is in use by {', '.join(sorted(users))}")

    # -- what reaches the substrate ------------------------------------------------------------------------------

    def _realise(self, record: _Record) -> None:
        request = record.request
        if isinstance(request, NetworkRequest) and record.status == "BUILD":
            segment = Segment(name=request.name, site=request.site, domain=request.domain,
                              prefix=request.prefix, edge=request.edge)  # fmt: skip
            try:
                self._substrate.make_segment(segment)
            except SubstrateError as error:
                with self._lock:
                    del self._records[record.id]
                raise Failed(f"network {request.name}: {error}") from error
            record.status = "ACTIVE"
        elif isinstance(request, ServerRequest) and record.status == "BUILD":
            self._builders.submit(self._build, record)

    def _build(self, record: _Record) -> None:
        with record.busy:
            if record.gone:
                return
            try:
                self._start(record)
            except SubstrateError as error:
                record.status, record.fault = "ERROR", str(error)
            except BaseException:
                record.status, record.fault = "ERROR", "the host could not be started"
                raise
            else:
                record.status, record.fault = "ACTIVE", None

    def _start(self, record: _Record) -> None:
        request = record.request
        assert isinstance(request, ServerRequest)
        segment = self._find("network", request.network).request.name
        spec = HostSpec(name=request.name, site=request.site, image=request.image, cpus=request.cpus,
                        memory=request.memory, segment=segment, address=request.address,
                        hypervisor=record.hypervisor)  # fmt: skip
        self._substrate.start_host(spec, self._rules(request))

    def _restart(self, record: _Record, request: ServerRequest) -> None:
        with record.busy:
            if record.gone or record.status != "ACTIVE":
                return
            try:
                if not self._substrate.host_running(request.name):
                    self._start(record)
                self._substrate.set_rules(request.name, self._rules(request))
            except SubstrateError as error:
                raise Failed(f"server {request.name}: {error}") from error

    def _refilter(self, group: str) -> None:
        with self._lock:
            servers = [(record, record.request) for record in self._records.values()
                       if isinstance(record.request, ServerRequest)]  # fmt: skip
        users = [(record, request) for record, request in servers if group in request.security_groups]
        for record, request in users:
            with record.busy:
                if record.gone or record.status != "ACTIVE":
                    continue
                try:
                    self._substrate.set_rules(request.name, self._rules(request))
                except SubstrateError as error:
                    raise Failed(f"server {request.name}: {error}") from error

    def _remove(self, record: _Record) -> None:
        request = record.request
        if isinstance(request, NetworkRequest) and record.status == "ACTIVE":
            self._substrate.drop_segment(request.name)
        elif isinstance(request, ServerRequest) and record.hypervisor:
            self._substrate.stop_host(request.name)

    def _rules(self, request: ServerRequest) -> tuple[PacketRule, ...]:
        groups = [self._find("security_group", group).request for group in request.security_groups]
        return tuple(rule for group in groups if isinstance(group, SecurityGroupRequest) for rule in group.rules)

    # -- what is shown -------------------------------------------------------------------------------------------

    def _shown(self, record: _Record) -> Answer:
        shown: Answer = record.request.model_dump(mode="json")
        shown |= {"id": record.id, "status": record.status}
        if isinstance(record.request, ServerRequest):
            shown |= {"hypervisor": record.hypervisor, "fault": record.fault}
            if record.status == "ACTIVE" and not self._substrate.host_running(record.request.name):
                shown["power_state"] = "shutoff"
        if isinstance(record.request, RecoveryPairingRequest):
            ends = (record.request.primary, record.request.recovery)
            with self._lock:
                shown["status"] = "ACTIVE" if all(self._of_site("network", site) for site in ends) else "PENDING"
        return shown


class _Filter(Model):
    """What a list may be narrowed by."""

    name: str | None = None
    site: str | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> _Filter:
        try:
            return cls.model_validate(dict(arguments))
        except ValidationError as error:
            raise Invalid(_all_failures(error)) from error

    def matches(self, record: _Record) -> bool:
        return self.name in (None, record.request.name) and self.site in (None, record.request.site)


def _validated(kind: str, arguments: Mapping[str, Any]) -> Request:
    try:
        return REQUESTS[kind].model_validate(dict(arguments))
    except ValidationError as error:
        raise Invalid(f"{kind}: {_all_failures(error)}") from error


def _all_failures(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())


def _missing(kind: str, identity: object) -> NotFound:
    return NotFound(f"there is no {kind} {identity}")


def _excludes(there: Request, wanted: NetworkRequest) -> bool:
    if not isinstance(there, NetworkRequest):
        return False
    return there.name == wanted.name or (there.edge == wanted.edge and there.prefix.overlaps(wanted.prefix))


def _uses(request: ServerRequest) -> tuple[str, ...]:
    return (request.network, request.server_group, *request.security_groups)
