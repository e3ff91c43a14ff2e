"""REST driver for Ubiquiti UISP: the controller of access points whose stations are the subscribers.

Per subscriber a client site below the site of his access point, its traffic shaping, whether it is suspended, and his
radio assigned to it. ``tables``, ``reading`` and ``changes`` are pure; ``driver`` puts them behind
``drivers.base.Driver``.

UISP was taken rather than cnMaestro because its whole API is public and has each of these operations: every instance
serves its own specification at ``/nms/api-docs/swagger.json`` (title "UISP API", base path ``/nms/api/v2.1``), a copy
of which is ``spec/uisp_swagger_original.json`` in the project byxorna/nycmesh-tool. What is found of cnMaestro's API
guides tells of statistics and templates, and of no request that sets a subscriber's rate or suspends him.
"""

from drivers.uisp.driver import UispDriver
from drivers.uisp.settings import UispSettings

__all__ = ["UispDriver", "UispSettings"]
