"""The limit for the ACS: a bare aiohttp handler that parses what CPEs send with lxml and answers constants.

``python -m tests.bench._bare_acs`` prints its port and serves until its standard input ends. ``--configures`` answers
as an ACS does that sets eight parameters and reads them back.
"""

import asyncio
import sys

import uvloop
from aiohttp import web
from lxml import etree

_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-2">'
    '<soap:Header><cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header><soap:Body>{}</soap:Body></soap:Envelope>'
)
_PATHS = [f"Device.WiFi.SSID.{number}.SSID" for number in range(1, 9)]
_VALUES = "".join(
    f'<ParameterValueStruct><Name>{path}</Name><Value xsi:type="xsd:string">value</Value></ParameterValueStruct>'
    for path in _PATHS
)
_STRINGS = "".join(f"<string>{path}</string>" for path in _PATHS)
INFORMED = _ENVELOPE.format("<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>").encode()
SET = _ENVELOPE.format(
    f'<cwmp:SetParameterValues><ParameterList enc:arrayType="cwmp:ParameterValueStruct[8]">{_VALUES}</ParameterList>'
    "<ParameterKey>1</ParameterKey></cwmp:SetParameterValues>"
).encode()
READ = _ENVELOPE.format(
    f'<cwmp:GetParameterValues><ParameterNames enc:arrayType="xsd:string[8]">{_STRINGS}</ParameterNames>'
    "</cwmp:GetParameterValues>"
).encode()


def _answering(*, configures: bool) -> "dict[str, bytes | None]":
    answers: dict[str, bytes | None] = {"Inform": INFORMED, "": None}
    if configures:
        answers |= {"": SET, "SetParameterValuesResponse": READ, "GetParameterValuesResponse": None}
    return answers


def _said(body: bytes) -> str:
    envelope = etree.fromstring(body).find(_BODY)
    if envelope is None:
        raise web.HTTPBadRequest
    return etree.QName(envelope[0]).localname


async def _serve() -> None:
    answers = _answering(configures="--configures" in sys.argv)

    async def handle(request: web.BaseRequest) -> web.Response:
        body = await request.read()
        answer = answers[_said(body) if body else ""]
        return web.Response(status=204) if answer is None else web.Response(body=answer, content_type="text/xml")

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(_serve())
