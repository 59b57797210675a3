"""Nova's driver of the laboratory: a server is a systemd-nspawn host, plugged into OVN's bridge of its hypervisor.

The set-up copies this file to nova/virt/zhenghe.py, the only place from which nova takes a driver. What cloud-init does
on its first boot on other clouds is done here before the boot: name, key of the operator, keys of the host, which are
printed on the console as cloud-init prints them.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from nova.virt import fake  # type: ignore[import-not-found,unused-ignore]

_KINDS = ("ecdsa", "ed25519")
_EVENT_SECONDS = 60


def _run(*words: object, check: bool = True) -> str:
    done = subprocess.run([*map(str, words)], check=check, capture_output=True, text=True)
    return done.stdout


class _Server:
    """The files and namespace of one server."""

    def __init__(self, uuid: str) -> None:
        self.folder = Path(os.environ["LAB_SERVERS"], uuid)
        self.namespace = f"vm-{uuid[:8]}"
        self.root = self.folder / "root"
        self.console = self.folder / "console"

    def furnish(self, image: str, hostname: str, key: str) -> None:
        upper = self.folder / "upper"
        for folder in (upper / "etc/ssh", upper / "root/.ssh", self.folder / "work", self.root):
            folder.mkdir(parents=True, exist_ok=True)
        (upper / "root/.ssh").chmod(0o700)
        (upper / "etc/hostname").write_text(f"{hostname}\n")
        (upper / "etc/hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n::1 localhost\n")
        (upper / "etc/machine-id").write_text(f"{self.folder.name.replace('-', '')}\n")
        (upper / "root/.ssh/authorized_keys").write_text(f"{key}\n")
        for kind in _KINDS:
            file = upper / f"etc/ssh/ssh_host_{kind}_key"
            _run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{hostname}", "-f", file)
        # What the image brings for hosts at large: an operator opens many sessions at once.
        (upper / "etc/ssh/sshd_config.d").mkdir(exist_ok=True)
        (upper / "etc/ssh/sshd_config.d/cloud.conf").write_text("UseDNS no\nMaxSessions 50\nMaxStartups 100\n")
        self._print_keys([upper / f"etc/ssh/ssh_host_{kind}_key.pub" for kind in _KINDS])
        lower = Path(os.environ["LAB_IMAGES"], image)
        options = f"lowerdir={lower},upperdir={upper},workdir={self.folder / 'work'},volatile"
        _run("mount", "-t", "overlay", "overlay", "-o", options, self.root)
        _run("ip", "netns", "add", self.namespace)
        _run("ip", "-n", self.namespace, "link", "set", "lo", "up")

    def resolve(self, interface: Any) -> None:
        """Have the host ask the name servers of a subnet, as DHCP would tell it."""
        servers = [each["address"] for subnet in interface["network"]["subnets"] for each in subnet["dns"]]
        lines = [*(f"nameserver {each}\n" for each in servers), "options timeout:1\n"]
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        (self.root / "etc/resolv.conf").write_text("".join(lines))

    def _print_keys(self, files: list[Path]) -> None:
        prints = [_run("ssh-keygen", "-l", "-f", file).strip() for file in files]
        lines = [
            "-----BEGIN SSH HOST KEY FINGERPRINTS-----", *prints, "-----END SSH HOST KEY FINGERPRINTS-----",
            "-----BEGIN SSH HOST KEY KEYS-----", *(file.read_text().strip() for file in files),
            "-----END SSH HOST KEY KEYS-----",
        ]  # fmt: skip
        self.console.write_text("".join(f"{line}\r\n" for line in lines))

    def boot(self) -> None:
        groups = "".join(f"mkdir -p {path} && echo $$ > {path}/cgroup.procs; " for path in self._groups())
        nspawn = (
            "systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.namespace}", "--register=no",
            "--keep-unit", f"--network-namespace-path=/run/netns/{self.namespace}", "--link-journal=no",
            "--resolv-conf=off", "--timezone=off", "--console=read-only",
            # As on every host: root makes network namespaces of its own there.
            "--capability=CAP_NET_ADMIN", "--boot",
        )  # fmt: skip
        with self.console.open("ab") as console:
            process = subprocess.Popen(
                ("sh", "-c", f'{groups}exec "$@"', "sh", *nspawn),
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
            )  # fmt: skip
        (self.folder / "pid").write_text(str(process.pid))

    def end(self) -> None:
        with suppress(OSError, ValueError):
            pid = int((self.folder / "pid").read_text())
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            os.waitpid(pid, 0)

    def drop(self) -> None:
        self.end()
        _run("umount", self.root, check=False)
        _run("ip", "netns", "del", self.namespace, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        for group in self._groups():
            for parent, _children, _files in os.walk(group, topdown=False):
                with suppress(OSError):
                    Path(parent).rmdir()

    def _groups(self) -> Iterator[Path]:
        top = Path("/sys/fs/cgroup")
        hierarchies = (top,) if (top / "cgroup.controllers").exists() else (top / "systemd", top / "unified")
        return (hierarchy / os.environ["LAB_GROUP"] / self.namespace for hierarchy in hierarchies if hierarchy.is_dir())


class NspawnDriver(fake.FakeDriverWithoutFakeNodes):  # type: ignore[misc,unused-ignore]
    """Does for real what a site needs of a hypervisor, and the rest as nova's own fake driver does."""

    def spawn(  # noqa: PLR0913, PLR0917 -- nova's
        self, context: Any, instance: Any, image_meta: Any, injected_files: Any, admin_password: Any, allocations: Any,
        network_info: Any = None, block_device_info: Any = None, **_more: Any,
    ) -> None:  # fmt: skip
        """Furnish the host, plug its ports, boot it."""
        super().spawn(
            context, instance, image_meta, injected_files, admin_password, allocations, network_info, block_device_info
        )
        server = _Server(instance.uuid)
        server.furnish(image_meta.name, instance.hostname, instance.key_data or "")
        awaited = [("network-vif-plugged", each["id"]) for each in network_info or () if not each.get("active")]
        with self.virtapi.wait_for_instance_event(instance, awaited, timeout=_EVENT_SECONDS):
            for index, interface in enumerate(network_info or ()):
                server.resolve(interface)
                _plug(server.namespace, instance.uuid, interface, index)
            server.boot()

    def power_off(self, instance: Any, timeout: int = 0, retry_interval: int = 0) -> None:
        """End the host; its disk stays."""
        super().power_off(instance, timeout, retry_interval)
        _Server(instance.uuid).end()

    def power_on(self, context: Any, instance: Any, network_info: Any, *more: Any, **named: Any) -> None:
        """Boot the host again."""
        super().power_on(context, instance, network_info, *more, **named)
        _Server(instance.uuid).boot()

    def destroy(self, context: Any, instance: Any, network_info: Any, *more: Any, **named: Any) -> None:
        """End the host and forget its disk."""
        for each in network_info or ():
            _run("ovs-vsctl", _database(), "--if-exists", "del-port", "br-int", _device(each), check=False)
        _Server(instance.uuid).drop()
        super().destroy(context, instance, network_info, *more, **named)

    def get_console_output(self, context: Any, instance: Any) -> bytes:  # noqa: ARG002 -- nova's
        """Return what the host has printed."""
        return _Server(instance.uuid).console.read_bytes()


def _device(interface: Any) -> str:
    return f"tap{interface['id'][:11]}"


def _database() -> str:
    return f"--db={os.environ['LAB_SWITCH']}"


def _plug(namespace: str, uuid: str, interface: Any, index: int) -> None:
    outer, device, port = os.environ["LAB_HYPERVISOR"], _device(interface), f"eth{index}"
    within = ("ip", "-n", namespace)
    _run("ip", "-n", outer, "link", "add", device, "type", "veth", "peer", "name", port, "netns", namespace)
    mtu = interface["network"].get_meta("mtu") or 1442
    _run(*within, "link", "set", port, "address", interface["address"], "mtu", mtu)
    for subnet in interface["network"]["subnets"]:
        length = subnet["cidr"].split("/")[1]
        for each in subnet["ips"]:
            _run(*within, "addr", "add", f"{each['address']}/{length}", "dev", port)
    _run(*within, "link", "set", port, "up")
    _run("ip", "-n", outer, "link", "set", device, "up")
    for subnet in interface["network"]["subnets"]:
        if subnet["gateway"] and index == 0:
            _run(*within, "route", "add", "default", "via", subnet["gateway"]["address"], check=False)
    # Checksums that a card would fill in are never filled in by the switch's datapath of this laboratory.
    _run("ip", "netns", "exec", namespace, "ethtool", "-K", port, "tx", "off")
    _run(
        "ovs-vsctl", _database(), "--may-exist", "add-port", "br-int", device, "--", "set", "Interface", device,
        f"external-ids:iface-id={interface['id']}", "external-ids:iface-status=active",
        f'external-ids:attached-mac="{interface["address"]}"', f"external-ids:vm-uuid={uuid}",
    )  # fmt: skip
