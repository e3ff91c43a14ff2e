"""An OLT's two datastores (RFC 6241 §8.3), over trees of entries."""

from collections.abc import Callable

from lxml import etree

from ztpd.lab.netconf import datastores
from ztpd.lab.olt.edit import edited_tree
from ztpd.lab.olt.tree import Tree, tree_of
from ztpd.lab.olt.validation import validate_tree


class Datastores(datastores.Datastores[Tree]):
    """The two datastores; ``changed`` is called whenever running is another than before."""

    def __init__(self, running: etree._Element, changed: Callable[[], None]) -> None:
        super().__init__(tree_of(running), changed, edited_tree, validate_tree)

    @property
    def config(self) -> etree._Element:
        """What runs, as one ``<config>``: a copy."""
        return self.running.element()

    def start_over(self, config: etree._Element) -> None:
        """Run another configuration, whatever ran before."""
        self.replace_running(tree_of(config))
