"""A driver of cinder: a volume is a sparse file of its backend's folder; nothing is written to it.

Put into cinder as `cinder.volume.drivers.zhenghe`.
"""

from pathlib import Path
from typing import Any

from cinder import interface
from cinder.volume import driver
from oslo_config import cfg


@interface.volumedriver  # type: ignore[untyped-decorator,unused-ignore]
class FileDriver(driver.VolumeDriver):  # type: ignore[misc,unused-ignore]
    """Keeps volumes as files below the service's `state_path`."""

    VERSION = "1"

    def do_setup(self, context: Any) -> None:  # noqa: ARG002 -- cinder's
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def check_for_setup_error(self) -> None:
        """Nothing can be wrong with a folder."""

    def create_volume(self, volume: Any) -> None:
        """Make a file of the volume's size."""
        self._resize(volume, volume["size"])

    def delete_volume(self, volume: Any) -> None:
        """Remove the file, which a killed call may have done already."""
        self._file(volume).unlink(missing_ok=True)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Have the file be longer."""
        self._resize(volume, new_size)

    def initialize_connection(self, volume: Any, connector: Any) -> dict[str, Any]:  # noqa: ARG002 -- cinder's
        """Tell nova where the file lies."""
        return {"driver_volume_type": "local", "data": {"device_path": str(self._file(volume))}}

    def terminate_connection(self, volume: Any, connector: Any, **_more: Any) -> None:
        """Whoever had it has let go."""

    def ensure_export(self, context: Any, volume: Any) -> None:
        """A file is there for all services of this machine."""

    def create_export(self, context: Any, volume: Any, connector: Any) -> None:
        """The same."""

    def remove_export(self, context: Any, volume: Any) -> None:
        """The same."""

    def _update_volume_stats(self) -> None:
        self._stats = {
            "volume_backend_name": "file", "vendor_name": "zhenghe", "driver_version": self.VERSION,
            "storage_protocol": "file", "total_capacity_gb": 10000, "free_capacity_gb": 10000,
            "reserved_percentage": 0,
        }  # fmt: skip

    @property
    def _folder(self) -> Path:
        return Path(cfg.CONF.state_path, "volumes")

    def _file(self, volume: Any) -> Path:
        return self._folder / str(volume["id"])

    def _resize(self, volume: Any, gigabytes: int) -> None:
        with self._file(volume).open("ab") as file:
            file.truncate(gigabytes << 30)
