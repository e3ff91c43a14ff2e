"""What drivers of JSON APIs over HTTPS share: one session per element, and the mark by which objects are known.

``marks`` is pure.
"""
