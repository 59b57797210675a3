"""The worker's process: `python -m migrations.run.engine.worker HOME ADDRESS` has the real actuators act."""

import asyncio
import logging
import sys
from pathlib import Path

from migrations.actuators.real import real_actuators
from migrations.home import RunHome
from migrations.proof.attention import Attention
from migrations.run.engine.serving import serve


def main() -> None:
    """Serve the run whose home and engine are named on the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    home = RunHome(Path(sys.argv[1]))
    asyncio.run(serve(home, sys.argv[2], lambda: real_actuators(home), Attention(home)))


if __name__ == "__main__":
    main()
