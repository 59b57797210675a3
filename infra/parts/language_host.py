"""Serves Pulumi's language runtime for Python where the official `pulumi-language-python` is not installed.

The engine starts it, reads the port from its first line, asks it to run the program, and interrupts it at the end.
The SDK has such a server for programs that are functions; this one makes a function of a program that is a folder.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

# The engine sends states and inputs in one message each; the default of 4 MB is too small for a whole district.
_MESSAGE_BYTES = 400 * 1024 * 1024


class LanguageHost(LanguageServer):
    """The SDK's language server, with programs taken from the file system."""

    def __init__(self, engine_address: str) -> None:
        """Remember where the engine listens, for engines that do not repeat it with each request."""
        super().__init__(_nothing)
        self._engine_address = engine_address

    def Handshake(self, request: Any, context: Any) -> language_pb2.LanguageHandshakeResponse:  # noqa: ARG002, N802
        """Agree with the engine on nothing in particular."""
        return language_pb2.LanguageHandshakeResponse()

    def Run(self, request: language_pb2.RunRequest, context: Any) -> Any:  # noqa: N802
        """Run the program that the request names and return its outcome."""
        info = request.info
        program = Path(info.program_directory or request.pwd) / (info.entry_point or request.program or ".")
        self.program = _program(program.resolve(), Path(request.pwd or info.root_directory))
        if not request.args:
            request.args.append(self._engine_address)
        return super().Run(request, context)  # type: ignore[no-untyped-call]

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:  # noqa: ARG002, N802
        """Answer with a version, which the engine shows."""
        return plugin_pb2.PluginInfo(version="0.1.0")

    def GetProgramDependencies(  # noqa: N802
        self, request: Any, context: Any  # noqa: ARG002
    ) -> language_pb2.GetProgramDependenciesResponse:  # fmt: skip
        """Name no dependencies: the set-up has locked them."""
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(  # noqa: N802
        self, request: Any, context: Any  # noqa: ARG002
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:  # fmt: skip
        """Install nothing: the set-up has done it."""
        return iter(())

    def RuntimeOptionsPrompts(  # noqa: N802
        self, request: Any, context: Any  # noqa: ARG002
    ) -> language_pb2.RuntimeOptionsResponse:  # fmt: skip
        """Ask the user nothing."""
        return language_pb2.RuntimeOptionsResponse()


def serve(engine_address: str) -> None:
    """Serve until SIGINT or SIGTERM; the first line on standard output is the port on the loopback interface."""
    limits = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine_address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stop(grace=0)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    server.wait_for_termination()


def main() -> int:
    """Serve the engine whose address is the last argument; options are the official host's and change nothing here."""
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if not addresses:
        sys.stderr.write("pulumi-language-python is started by Pulumi's engine, with its address as argument\n")
        return 2
    serve(addresses[-1])
    return 0


def _nothing() -> None:
    """Stand in until the engine names a program."""


def _program(path: Path, working_folder: Path) -> Callable[[], None]:
    folder = path if path.is_dir() else path.parent

    def run() -> None:
        os.chdir(working_folder)
        with _importing_from(folder):
            runpy.run_path(str(path), run_name="__main__")

    return run


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    # One host serves the preview and the update; the second run must not find what the first one left in modules.
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if _is_below(sys.modules[name].__dict__.get("__file__"), folder):
                del sys.modules[name]


def _is_below(file: str | None, folder: Path) -> bool:
    return file is not None and Path(file).resolve().is_relative_to(folder)


if __name__ == "__main__":
    sys.exit(main())
