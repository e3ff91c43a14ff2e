"""``python -m ztpd`` is the command ``ztpd``."""

from ztpd.entry import main

main()
