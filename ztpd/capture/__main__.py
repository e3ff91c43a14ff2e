"""The capture process, begun by ``ztpd.capture.start``: its argument is the descriptor of its plan."""

import sys

# Libraries that others load where they are installed and this process never uses: structlog loads rich, for tracebacks
# in colour, and asyncio ssl. Together they are 9 MB.
for unused in ("rich", "ssl"):
    sys.modules[unused] = None  # type: ignore[assignment]

from ztpd.capture.process import main  # noqa: E402 -- after that

sys.exit(main(int(sys.argv[1])))
