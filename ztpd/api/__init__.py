"""What other systems ask of ztpd: the HTTP API, version 1.

What belongs here: routes, who may call them, the reading of requests and the shape of answers. What does not: SQL and
decisions (``ztpd.store`` intends, ``ztpd.domain`` decides), and whatever runs without being asked.

A route is one row in the ``ROUTES`` of the module that serves it; a handler takes one ``Call``, whose type says what
path, query and body must be, and gives an ``Answer``. Everything else (checks, errors, metrics, the description at
``/openapi.json``) follows from the row.
"""
