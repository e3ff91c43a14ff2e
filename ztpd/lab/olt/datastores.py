"""An OLT's running and candidate configuration: the datastores of every element, with its modules."""

from collections.abc import Callable

from lxml import etree

from ztpd.lab.netconf import datastores
from ztpd.lab.netconf.datastores import Unconfirmed
from ztpd.lab.olt.edit import edited
from ztpd.lab.olt.validation import validate

__all__ = ["Datastores", "Unconfirmed"]


class Datastores(datastores.Datastores):
    """The two datastores; ``changed`` is called whenever running is another than before."""

    def __init__(self, running: etree._Element, changed: Callable[[], None]) -> None:
        super().__init__(running, changed, edited, validate)
