"""The only SQL: schema, migrations, and transactions named after intentions.

What belongs here: statements (``sql/*.sql``), the one writer, and the intentions, each of which reads, lets
``ztpd.domain`` decide, and writes state, event and deliveries together. What does not: decisions, sockets, HTTP.
"""
