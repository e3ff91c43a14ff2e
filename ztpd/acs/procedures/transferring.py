"""A CPE fetches or sends a file: it is told where, and tells by TransferComplete when it is through."""

from ztpd.acs.messages import Answer, Fault, TransferResponse
from ztpd.acs.procedures.protocol import Context, Procedure, out_of_place
from ztpd.acs.requests import Download, Upload
from ztpd.domain import cpe_tasks, firmware
from ztpd.domain.cpe import CpeFault, CpeOutcome

_FILE_TYPES = {"configuration": "1 Vendor Configuration File", "log": "2 Vendor Log File"}
"""What can be asked for (TR-069 A.4.1.5); both are deprecated for numbered ones, and every CPE knows them."""


def download(task: cpe_tasks.Download, context: Context) -> Procedure:
    """Have it fetch a file and apply it (A.3.2.8)."""
    answer = yield Download(
        command_key=context.key,
        file_type=task.file_type,
        url=task.url,
        file_size=task.size,
        target_file_name=task.target_file_name,
    )
    return _outcome(answer)


def upload(task: cpe_tasks.Upload, context: Context) -> Procedure:
    """Have it send a file, by PUT (A.4.1.5)."""
    answer = yield Upload(command_key=context.key, file_type=_FILE_TYPES[task.what], url=task.url)
    return _outcome(answer)


def _outcome(answer: Answer) -> CpeOutcome:
    """Status 0 is done at once, 1 that TransferComplete comes; a CPE that says neither is waited for."""
    if isinstance(answer, Fault):
        meaning = firmware.fault_words(answer.code, answer.message).removeprefix(f"{answer.code} ")
        return CpeOutcome(ok=False, fault=CpeFault(answer.code or None, meaning))
    if not isinstance(answer, TransferResponse):
        return out_of_place(f"{type(answer).__name__} is no answer to a transfer")
    return CpeOutcome(ok=True, pending=answer.status != 0)
