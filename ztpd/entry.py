"""The entry point of the command ``ztpd``: a hook's process must start fast, everything else may load what it needs."""

import sys


def main() -> None:
    """Run the command; ends the process."""
    if sys.argv[1:2] == ["hook"]:
        from ztpd.discovery.hooks import client

        code = client.main(sys.argv[2:])
        if code is not None:
            sys.exit(code)
    from ztpd import cli

    cli.main()
