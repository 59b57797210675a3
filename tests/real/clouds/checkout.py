"""The root of a checkout, at which users of Pulumi work with its own command."""

import os
import shutil
import subprocess
from pathlib import Path

from infra.engine.places import states_environment
from infra.parts import toolchain
from inventory.model import Programme
from tests.real.clouds.grounds import Ground


class Checkout:
    """A folder as such a root, in which Pulumi may write, with an inventory; the states are those of a ground."""

    def __init__(self, ground: Ground, programme: Programme) -> None:
        self._ground = ground
        self._root, checkout = ground.home.parent / "root", Path(__file__).parents[3]
        (self._root / "inventories").mkdir(parents=True)
        # JSON is YAML.
        (self._root / "inventories/programme.yaml").write_text(programme.model_dump_json(exclude_defaults=True))
        shutil.copy(checkout / "Pulumi.yaml", self._root)
        (self._root / "infra").symlink_to(checkout / "infra")

    def pulumi(self, *words: str) -> str:
        """Return what Pulumi's own command says of the stack cloud-a; it must not fail."""
        environment = {
            **{name: value for name, value in os.environ.items() if name.startswith("OS_")},
            "PATH": toolchain.search_path(), "HOME": str(self._root), "PULUMI_SKIP_UPDATE_CHECK": "true",
            "ZHENGHE_INVENTORY": str(self._root / "inventories"), "ZHENGHE_WORLD": str(self._ground.world_file),
            **states_environment(self._ground.home, None),
        }  # fmt: skip
        command = (str(toolchain.pulumi_path()), *words, "--non-interactive", "--stack", "cloud-a")
        done = self._ground.within(
            lambda: subprocess.run(
                command, cwd=self._root, env=environment, check=False, capture_output=True, text=True
            )
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
