"""What is true of every PON: serial numbers, what an ONU is wanted to be, what one is seen to be, optics.

Pure: no I/O, no clock, no event loop. Nothing here knows jobs, services' owners or protocols.
"""
