"""What ``ztpd device`` can do, apart from how: the command line must know the words before it loads anything."""

import enum


class Action(enum.StrEnum):
    """What can be asked of a device."""

    SHOW = "show"
    DIAGNOSE = "diagnose"
    READ = "read"
    REBOOT = "reboot"
    FACTORY_RESET = "factory-reset"
    TASKS = "tasks"
    CANCEL = "cancel"
