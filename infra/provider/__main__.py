"""The executable `pulumi-resource-zhenghe`."""

import sys

from infra.provider.server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
