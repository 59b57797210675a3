"""Discovery: what runs on hosts and who talks to whom, held against what departments have reported.

The look is that of `migrations/preflight/asking.py`; `judging.py` holds its facts against the programme, and
`proposing.py` makes the changes of the inventory that follow from it, for a person to agree to.
"""

from migrations.discovery.facts import Discovered
from migrations.discovery.judging import Dependency, Discovery, Sort, judged

__all__ = ["Dependency", "Discovered", "Discovery", "Sort", "judged"]
