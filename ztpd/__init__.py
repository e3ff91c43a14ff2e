"""The zero-touch provisioning daemon: it joins orders, discovery, configuration and billing.

What belongs here: everything that knows jobs and services. What does not: how one protocol speaks to one
kind of element (``drivers``), what is true of PONs in general (``pon``), how an event reaches another system
(``billing_hooks``). Imports run one way, from here to those; ``setup.cfg`` holds the contracts.
"""

__version__ = "0.1.0"
