"""NETCONF over SSH to any element: what knows nothing of the modules that an element has.

``xml``, ``framing``, ``modules``, ``malformed`` and ``refusal`` are pure; ``transport``, ``connection`` and ``session``
own sockets and threads, ``sources`` and ``call_home`` say where sessions come from, ``transaction`` is the dialogue of
one write, ``watching`` brings notifications to the event loop, ``host_keys`` says whom a session trusts.
"""
