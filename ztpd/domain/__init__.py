"""What ztpd knows and decides: models, lifecycle, identity, matching, planning, acceptance.

Pure: values in, values out. No I/O, no clock, no event loop, no framework but pydantic; ``setup.cfg`` holds
that as a contract. Time comes in as an argument, always UTC.
"""
