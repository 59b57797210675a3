"""Makes what runs on hosts importable here, by the names that it has there."""

from pathlib import Path

import ansible.module_utils

_PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
for _folder in (_PLAYBOOKS / "plugins" / "module_utils", *sorted((_PLAYBOOKS / "roles").glob("*/module_utils"))):
    if str(_folder) not in ansible.module_utils.__path__:
        ansible.module_utils.__path__.append(str(_folder))
