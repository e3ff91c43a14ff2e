"""A lab UISP: the part of the NMS API v2.1 that subscribers are configured by, over real HTTPS.

It follows the vendor's specification ("UISP API", base path ``/nms/api/v2.1``; a public copy is
``spec/uisp_swagger_original.json`` in the project byxorna/nycmesh-tool): which properties a request must have, which it
may have, and the form of the answers. What unassigning a device does to its authorisation is not in there: here it
takes it away.
"""

from ztpd.lab.uisp.lab import LabUisp, LabUispSettings, lab_uisp, run

__all__ = ["LabUisp", "LabUispSettings", "lab_uisp", "run"]
