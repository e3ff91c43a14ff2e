"""NETCONF as every lab element speaks it: SSH, framing, reading by subtree filters, and faults.

``framing``, ``rpc_error``, ``schema``, ``subtree``, ``edit``, ``datastores``, ``faults``, ``operations`` and
``editing`` are pure; ``server`` is the SSH shell, ``control`` the HTTP API by which an element is made to go wrong.
"""
