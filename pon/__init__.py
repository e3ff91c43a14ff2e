"""What is true of every PON: serial numbers and registration ids, T-CONTs, and how OLTs list ONUs they do not know.

Pure: no I/O, no clock, no event loop. Nothing here knows jobs, services' owners or protocols.
"""
