"""The configuration files of the laboratory's services, and their catalogue."""

import shutil
from collections.abc import Mapping
from pathlib import Path

REGION = "RegionOne"
IDENTITY = "http://127.0.0.1:5000/v3"
QUEUE = "rabbit://guest:guest@127.0.0.1:5672/"
DATABASE = "mysql+pymysql://os:os@127.0.0.1:3306"
DATABASES = ("keystone", "placement", "glance", "nova_api", "nova", "nova_cell0", "neutron", "cinder")
SERVICES: Mapping[str, tuple[str, int, str]] = {
    "placement": ("placement", 8778, ""),
    "glance": ("image", 9292, ""),
    "nova": ("compute", 8774, "/v2.1"),
    "neutron": ("network", 9696, ""),
    "cinder": ("volumev3", 8776, "/v3"),
}
"""Type, port and path of what the catalogue lists."""
UNDERLAY = "172.20.0"
MTU = 1558
"""What is between hypervisors carries frames of 1500 bytes with Geneve's head around them."""

Sections = Mapping[str, Mapping[str, object]]


class Settings:
    """Writes the files below a folder; the password is the administrator's, made anew for each laboratory."""

    def __init__(
        self, work: Path, environment: Path, password: str, hypervisors: tuple[str, ...], uplinks: int
    ) -> None:
        self._work = work
        self._data = environment / "etc"
        self._password = password
        self._hypervisors = hypervisors
        self._uplinks = uplinks

    def write(self) -> None:
        """Write all of them, and make the folders that they name."""
        for name in ("etc", "log", "lock", "fernet", "credential", "ovn", "queue", "images/staging", "images/tasks"):
            (self._work / name).mkdir(parents=True, exist_ok=True)
        for name in ("fernet", "credential"):
            (self._work / name).chmod(0o700)
        self._identity()
        self._placement()
        self._image()
        self._volumes()
        self._compute("ctl", "nova")
        for name in self._hypervisors:
            self._compute(name, name)
        # Nova's API looks for it beside its configuration and nowhere else.
        shutil.copy(self._data / "nova/api-paste.ini", self._work / "etc/nova")
        self._network()

    def _identity(self) -> None:
        self._file("keystone/keystone.conf", {
            "DEFAULT": {"log_file": self._work / "log/keystone.log"},
            "database": {"connection": f"{DATABASE}/keystone"},
            "token": {"provider": "fernet"},
            "identity": {"password_hash_rounds": 4},
            "cache": {"enabled": "true", "backend": "dogpile.cache.memory"},
            "fernet_tokens": {"key_repository": self._work / "fernet"},
            "credential": {"key_repository": self._work / "credential"},
        })  # fmt: skip

    def _placement(self) -> None:
        self._file("placement/placement.conf", {
            "DEFAULT": {"log_file": self._work / "log/placement.log"},
            "api": {"auth_strategy": "keystone"},
            "placement_database": {"connection": f"{DATABASE}/placement"},
            "keystone_authtoken": self._token(),
        })  # fmt: skip

    def _image(self) -> None:
        images = self._work / "images"
        self._file("glance/glance-api.conf", {
            "DEFAULT": {"log_file": self._work / "log/glance.log", "enabled_backends": "file:file"},
            "database": {"connection": f"{DATABASE}/glance"},
            "glance_store": {"default_backend": "file"},
            "file": {"filesystem_store_datadir": images},
            "os_glance_staging_store": {"filesystem_store_datadir": images / "staging"},
            "os_glance_tasks_store": {"filesystem_store_datadir": images / "tasks"},
            "paste_deploy": {"flavor": "keystone", "config_file": self._data / "glance/glance-api-paste.ini"},
            "keystone_authtoken": self._token(),
        })  # fmt: skip

    def _volumes(self) -> None:
        self._file("cinder/cinder.conf", {
            "DEFAULT": {
                "log_dir": self._work / "log", "state_path": self._work / "state/cinder", "transport_url": QUEUE,
                "auth_strategy": "keystone", "enabled_backends": "file", "host": "lab",
                "api_paste_config": self._data / "cinder/api-paste.ini",
            },
            "database": {"connection": f"{DATABASE}/cinder"},
            "oslo_concurrency": {"lock_path": self._work / "lock"},
            "file": {"volume_driver": "cinder.volume.drivers.zhenghe.FileDriver", "volume_backend_name": "file"},
            "keystone_authtoken": self._token(),
            "nova": self._login(),
            "service_user": self._login(send_service_user_token="true"),  # noqa: S106 -- no password
        })  # fmt: skip

    def _compute(self, host: str, folder: str) -> None:
        state = self._work / "state" / host
        state.mkdir(parents=True, exist_ok=True)
        logs = {} if folder == "nova" else {"log_file": f"nova-{host}.log"}
        filters = "ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter"
        self._file(f"{folder}/nova.conf", {
            "DEFAULT": {
                "log_dir": self._work / "log", **logs, "state_path": state, "transport_url": QUEUE,
                "compute_driver": "zhenghe.NspawnDriver", "host": host, "allow_resize_to_same_host": "true",
            },
            "api_database": {"connection": f"{DATABASE}/nova_api"},
            "database": {"connection": f"{DATABASE}/nova"},
            "oslo_concurrency": {"lock_path": self._work / "lock"},
            "conductor": {"workers": 1},
            "scheduler": {"workers": 1},
            "vnc": {"enabled": "false"},
            "filter_scheduler": {"enabled_filters": filters},
            "keystone_authtoken": self._token(),
            "placement": self._login(),
            "glance": self._login(),
            "neutron": self._login(),
            "cinder": self._login(catalog_info="volumev3::publicURL"),
            "service_user": self._login(send_service_user_token="true"),  # noqa: S106 -- no password
        })  # fmt: skip

    def _network(self) -> None:
        self._file("neutron/neutron.conf", {
            "DEFAULT": {
                "log_file": self._work / "log/neutron.log", "state_path": self._work / "state", "core_plugin": "ml2",
                "service_plugins": "ovn-router", "transport_url": QUEUE, "global_physnet_mtu": MTU,
                # What is inside is reached from outside by its own addresses, as in an extranet.
                "enable_snat_by_default": "false",
                "notify_nova_on_port_status_changes": "true", "notify_nova_on_port_data_changes": "true",
                "api_paste_config": self._data / "neutron/api-paste.ini",
            },
            "database": {"connection": f"{DATABASE}/neutron"},
            "oslo_concurrency": {"lock_path": self._work / "lock"},
            "keystone_authtoken": self._token(),
            "nova": self._login(),
            "placement": self._login(),
        })  # fmt: skip
        mtus = ",".join(f"physnet{number}:1500" for number in range(self._uplinks))
        northbound, southbound = (f"tcp:{UNDERLAY}.1:{port}" for port in (6641, 6642))
        self._file("neutron/ml2.ini", {
            "ml2": {
                "type_drivers": "flat,geneve", "tenant_network_types": "geneve", "mechanism_drivers": "ovn",
                "extension_drivers": "port_security", "path_mtu": MTU, "physical_network_mtus": mtus,
            },
            "ml2_type_flat": {"flat_networks": "*"},
            "ml2_type_geneve": {"vni_ranges": "1:65000", "max_header_size": 38},
            "securitygroup": {"enable_security_group": "true"},
            "ovn": {
                "ovn_nb_connection": northbound, "ovn_sb_connection": southbound, "ovn_metadata_enabled": "false",
            },
        })  # fmt: skip

    def _login(self, **more: str) -> dict[str, object]:
        return {
            "auth_url": IDENTITY, "auth_type": "password", "username": "admin", "password": self._password,
            "project_name": "admin", "user_domain_name": "Default", "project_domain_name": "Default",
            "region_name": REGION, **more,
        }  # fmt: skip

    def _token(self) -> dict[str, object]:
        roles = {"service_token_roles_required": "true", "service_token_roles": "service"}
        return self._login(www_authenticate_uri=IDENTITY, **roles)

    def _file(self, name: str, sections: Sections) -> None:
        path = self._work / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = (
            f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())
            for section, values in sections.items()
        )
        path.write_text("".join(blocks))
