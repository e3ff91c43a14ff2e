"""``python -m ztpd`` is the command ``ztpd``."""

from ztpd.cli import main

main()
