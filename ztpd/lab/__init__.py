"""Simulated elements, devices and receivers, so that everything can be tried without hardware.

The lab is a peer on a socket: it shares no code with what it tests and imports nothing of ztpd but ``pon``. What it
does not simulate it does not pretend: a request it does not know gets the protocol's own error.
"""
