"""How committed events reach dispatch, billing and CRM: envelope, signature, retry schedule, sender, adapters.

What belongs here: CloudEvents envelopes, Standard Webhooks signatures, the verdict on an answer and the loop that
posts. What does not: jobs, services and the store; events and deliveries are kept elsewhere and handed in as plain
values through the callables of ``contract``. Never imports ``ztpd``.

``envelope``, ``signature``, ``schedule``, ``address``, ``answer``, ``breaker`` and ``endpoint`` are pure;
``transport`` is one POST on one socket, ``lane`` one endpoint's way out, ``sender`` all of them.
"""
