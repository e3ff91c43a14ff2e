"""A simulated OLT that is configured by typing: a real SSH or telnet server with one vendor's command line.

``shelf`` is the OLT without words: ports, fibres, configuration running and saved, faults. A module for each vendor
(``huawei`` …) parses its commands and prints its answers (``language.Language``); ``server`` lets people in and turns
pages, ``lab`` is the whole.
"""
