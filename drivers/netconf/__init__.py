"""NETCONF over SSH to any element: what knows nothing of the modules that an element has.

``xml``, ``modules``, ``malformed`` and ``refusal`` are pure; ``connection`` and ``session`` own sockets and threads,
``watching`` brings notifications to the event loop, ``host_keys`` says whom a session trusts.
"""
