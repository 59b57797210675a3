"""The five kinds of resource of the twin's cloud as a Pulumi provider.

What it makes is found again by its name: a create that was killed between the cloud and the engine's state has left
something behind, and the next create takes it over instead of making a second one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pydantic import ValidationError

from infra.provider.endpoint import Different, Endpoint, Refused
from infra.provider.kinds import ENDPOINT_VARIABLE, KINDS, PACKAGE
from infra.provider.waiting import NOT_FOUND, BuildFailed, built
from infra.twin.resources import REQUESTS, UPDATABLE
from inventory.words import _

Properties = dict[str, PropertyValue]


class TwinProvider(protocol.Provider):
    """Translates the engine's requests into calls of the cloud, and the cloud's answers into states."""

    def __init__(self) -> None:
        """Wait for the configuration, which names the endpoint."""
        self._endpoint: Endpoint | None = None

    async def get_schema(self, request: protocol.GetSchemaRequest) -> protocol.GetSchemaResponse:  # noqa: ARG002
        """Answer with a name and a version: programs here declare their resources without generated code."""
        return protocol.GetSchemaResponse(schema=f'{{"name": "{PACKAGE}", "version": "0.1.0"}}')

    async def check_config(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        """Demand an endpoint."""
        given = _plain(request.new_inputs).get("endpoint") or os.environ.get(ENDPOINT_VARIABLE)
        reason = _("name the twin's control socket, as its world.json does")
        missing = [] if given else [protocol.CheckFailure("endpoint", reason)]
        return protocol.CheckResponse(inputs=request.new_inputs, failures=missing)

    async def diff_config(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        """Take another endpoint without replacing anything: resources belong to the cloud, not to its socket."""
        return protocol.DiffResponse(changes=_plain(request.old_state) != _plain(request.new_inputs))

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        """Remember the endpoint; creates are not called in previews, ids are unknown there."""
        endpoint = os.environ.get(ENDPOINT_VARIABLE) or _plain(request.args).get("endpoint")
        self._endpoint = Endpoint(Path(str(endpoint)))
        return protocol.ConfigureResponse(supports_preview=False)

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        """Name all wrong inputs at once; what is not known yet is not wrong."""
        unknown = {name for name, value in request.new_inputs.items() if _is_unknown(value)}
        failures = [
            protocol.CheckFailure(property=where, reason=why)
            for where, why in _failures(KINDS[request.type], _plain(request.new_inputs))
            if where.split(".")[0] not in unknown
        ]
        return protocol.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        """Compare what is wanted with what was last seen, and say which differences need a new resource."""
        updatable = UPDATABLE[KINDS[request.type]]
        changed = [
            name
            for name in _changed(_plain(request.old_state), _plain(request.new_inputs))
            if name not in request.ignore_changes
        ]
        replaces = [name for name in changed if name not in updatable]
        kinds = protocol.PropertyDiffKind
        detailed = {
            name: protocol.PropertyDiff(kinds.UPDATE_REPLACE if name in replaces else kinds.UPDATE, input_diff=False)
            for name in changed
        }
        return protocol.DiffResponse(
            changes=bool(changed),
            replaces=replaces,
            # The new one needs the name and the address of the old one.
            delete_before_replace=bool(replaces),
            diffs=changed,
            detailed_diff=detailed,
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        """Make the resource, or take over the one that has its unique name; return when it is built."""
        kind, wanted = KINDS[request.type], _plain(request.properties)
        made = await asyncio.to_thread(self._make, kind, wanted)
        return protocol.CreateResponse(resource_id=made["id"], properties=_values(made))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        """Return the resource as it is; without an id where it is gone, or broken and of no use."""
        kind = KINDS[request.type]
        seen = await asyncio.to_thread(self._seen, kind, request.resource_id)
        if seen is None:
            return protocol.ReadResponse(resource_id="")
        inputs = {name: value for name, value in seen.items() if name in REQUESTS[kind].model_fields}
        return protocol.ReadResponse(resource_id=seen["id"], properties=_values(seen), inputs=_values(inputs))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        """Change what may be changed in place."""
        kind, wanted = KINDS[request.type], _plain(request.news)
        changed = await asyncio.to_thread(self._change, kind, request.resource_id, wanted)
        return protocol.UpdateResponse(properties=_values(changed))

    async def delete(self, request: protocol.DeleteRequest) -> None:
        """Delete the resource; one that is gone already is no error."""
        await asyncio.to_thread(self._drop, KINDS[request.type], request.resource_id)

    def _cloud(self) -> Endpoint:
        assert self._endpoint is not None, "the engine configures a provider before it uses it"
        return self._endpoint

    def _make(self, kind: str, wanted: dict[str, Any]) -> dict[str, Any]:
        there = self._cloud().named(kind, wanted["site"], wanted["name"])
        if there is not None:
            there = built(self._cloud(), kind, there)
        if there is not None and there["status"] == "ERROR":
            self._drop(kind, there["id"])
            there = None
        if there is not None:
            return self._adopted(kind, there, wanted)
        made = built(self._cloud(), kind, self._cloud().call(f"{kind}.create", **wanted))
        if made is None or made["status"] == "ERROR":
            fault = made["fault"] if made else _("it was deleted while it was built")
            if made is not None:
                # In no state, it would stay when nobody declares it any more.
                self._drop(kind, made["id"])
            raise BuildFailed(_("{kind} {name}: {fault}").format(kind=kind, name=wanted["name"], fault=fault))
        return made

    def _adopted(self, kind: str, there: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
        changed = _changed(there, wanted)
        fixed = tuple(name for name in changed if name not in UPDATABLE[kind])
        if fixed:
            raise Different(kind, wanted["name"], fixed)
        return self._change(kind, there["id"], wanted) if changed else there

    def _change(self, kind: str, identity: str, wanted: dict[str, Any]) -> dict[str, Any]:
        news = {name: value for name, value in wanted.items() if name in UPDATABLE[kind]}
        return self._cloud().call(f"{kind}.update", id=identity, **news)

    def _seen(self, kind: str, identity: str) -> dict[str, Any] | None:
        try:
            seen = built(self._cloud(), kind, self._cloud().call(f"{kind}.get", id=identity))
        except Refused as error:
            if error.code == NOT_FOUND:
                return None
            raise
        return None if seen is None or seen["status"] == "ERROR" else seen

    def _drop(self, kind: str, identity: str) -> None:
        try:
            self._cloud().call(f"{kind}.delete", id=identity)
        except Refused as error:
            if error.code != NOT_FOUND:
                raise


def _failures(kind: str, inputs: dict[str, Any]) -> list[tuple[str, str]]:
    try:
        REQUESTS[kind].model_validate(inputs)
    except ValidationError as error:
        return [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
    return []


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name, value in new.items() if _known(old.get(name)) != _known(value)]


def _known(value: Any) -> Any:
    # The engine drops nulls inside of objects, the cloud shows them.
    if isinstance(value, dict):
        return {name: _known(item) for name, item in value.items() if item is not None}
    return [_known(item) for item in value] if isinstance(value, list) else value


class _Unknown:
    """Equal to nothing, not even to itself: what is not known yet may be different."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False


def _is_unknown(value: PropertyValue) -> bool:
    inner = value.value
    if isinstance(inner, Mapping):
        return any(_is_unknown(item) for item in inner.values())
    if isinstance(inner, tuple):
        return any(_is_unknown(item) for item in inner)
    return isinstance(inner, Computed)


def _plain(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in properties.items() if not name.startswith("__")}


def _plain_value(value: PropertyValue) -> Any:
    inner = value.value
    if isinstance(inner, Computed):
        return _Unknown()
    if isinstance(inner, Mapping):
        return _plain(inner)
    if isinstance(inner, tuple):
        return [_plain_value(item) for item in inner]
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    return inner


def _values(record: Mapping[str, Any]) -> Properties:
    return {name: _value(value) for name, value in record.items()}


def _value(value: Any) -> PropertyValue:
    if isinstance(value, dict):
        return PropertyValue(_values(value))
    if isinstance(value, list):
        return PropertyValue([_value(item) for item in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)
