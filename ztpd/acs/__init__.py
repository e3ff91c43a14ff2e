"""TR-069: the ACS that hears CPEs, tells the core of them, and configures them with what the core answers.

What belongs here: CWMP's messages (``messages``, ``requests``, ``xml``, ``soap``, ``soap_writing``), the session as
a table of states (``session``, ``verification``), what an intent is called on a device (``datamodel`` and the data
files in ``models``), the tests that a CPE can do (``diagnostics``, ``measuring``), HTTP authentication (``digest``,
``replay``, ``authentication``), the HTTP shell (``server``, ``connections``, ``session_table``, ``body``) and the
contract with the core (``contract``, ``sighting``). What does not: jobs, services, storage; the core's functions are
handed in.

Pure, with no clock and no event loop, are ``messages``, ``requests``, ``errors``, ``contract``, ``xml``, ``soap``,
``soap_writing``, ``session``, ``verification``, ``datamodel``, ``diagnostics``, ``measuring``, ``digest``, ``replay``
and ``sighting``.
"""
