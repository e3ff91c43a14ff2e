"""Claims due work, drives the drivers, commits the outcome.

What belongs here: when an attempt is made, what is verified, what a failure means. What does not: what a device must
be (``ztpd.domain``), how it is told (``drivers``), how it is stored (``ztpd.store``).
"""
