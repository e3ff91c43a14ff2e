"""What ``ztpd device`` and ``ztpd firmware`` can do, apart from how: the words are known before anything is loaded."""

import enum


class Action(enum.StrEnum):
    """What can be asked of a device."""

    SHOW = "show"
    DIAGNOSE = "diagnose"
    READ = "read"
    REBOOT = "reboot"
    FACTORY_RESET = "factory-reset"
    DOWNLOAD = "download"
    UPLOAD = "upload"
    HANDOVER = "handover"
    TASKS = "tasks"
    CANCEL = "cancel"


class CampaignAction(enum.StrEnum):
    """What can be done with a firmware campaign."""

    SHOW = "show"
    STOP = "stop"
    RESUME = "resume"
