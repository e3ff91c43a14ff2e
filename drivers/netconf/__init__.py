"""NETCONF over SSH to any element: what knows nothing of the modules that an element has.

``xml``, ``framing``, ``modules``, ``malformed`` and ``refusal`` are pure; ``transport``, ``connection`` and ``session``
own sockets and threads,
``watching`` brings notifications to the event loop, ``host_keys`` says whom a session trusts.
"""
