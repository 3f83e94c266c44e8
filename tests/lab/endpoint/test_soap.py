"""Envelopes: those of pywinrm read, and replies and faults that pywinrm and pypsrp read."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
import xmltodict
from pypsrp.wsman import WSMan
from tests.support.wsman import client
from winrm.protocol import Protocol

from hvctl.lab.endpoint import refusals, soap
from hvctl.lab.endpoint.refusals import Refusal

pytestmark = pytest.mark.unit


def envelope(**body: object) -> bytes:
    """A Send of pywinrm's to shell S, with this body."""
    header = Protocol.build_wsman_header(
        client(None),  # type: ignore[arg-type] # nothing is sent
        resource_uri=soap.CMD,
        action=soap.ACTIONS["Send"],
        shell_id="S",
        message_id="12345678-1234-1234-1234-123456789012",
    )
    return xmltodict.unparse({"env:Envelope": {**header, "env:Body": body}}).encode()


def with_header(name: str, text: str) -> bytes:
    """That envelope with another text in a header."""
    before, opening, rest = envelope().decode().partition(f"<{name}")
    tag, _, rest = rest.partition(">")
    return f"{before}{opening}{tag}>{text}{rest[rest.index('<') :]}".encode()


def test_a_request_of_pywinrm_is_read():
    request = soap.parse(envelope(**{"rsp:Send": {"rsp:Stream": {"@CommandId": "C", "#text": "eHl6"}}}))
    assert request.action == "Send"
    assert request.message_id == "uuid:12345678-1234-1234-1234-123456789012"
    assert request.resource == soap.CMD
    assert request.selectors == {"ShellId": "S"}
    assert request.operation_timeout == 20
    assert request.max_envelope == 153600
    assert request.text("rsp:Stream") == "eHl6"
    assert request.text("rsp:Nothing") is None


def test_an_envelope_without_a_body_has_no_texts():
    request = soap.parse(envelope())
    assert (request.body, request.text("rsp:Stream"), request.texts("rsp:Stream")) == (None, None, [])


def test_the_action_of_a_body():
    assert soap.action_of(envelope()) == "Send"
    assert soap.action_of(with_header("a:Action", "urn:another")) is None
    assert soap.action_of(b"") is None
    assert soap.action_of(b"<a/>") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"not xml",
        b"<open>",
        b'<?xml version="1.0" encoding="klingon"?><a/>',
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
    ],
)
def test_what_is_no_xml_or_has_a_document_type_is_refused(body):
    with pytest.raises(Refusal) as refused:
        soap.parse(body)
    assert refused.value.kind is refusals.INVALID_XML


def test_xml_that_is_no_envelope_is_refused():
    with pytest.raises(Refusal) as refused:
        soap.parse(b"<Envelope><Header/><Body/></Envelope>")
    assert refused.value.kind is refusals.SCHEMA


def test_an_envelope_in_another_encoding_is_read():
    text = envelope().decode().replace('encoding="utf-8"', 'encoding="utf-16"')
    assert soap.action_of(text.encode("utf-16")) == "Send"


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT20S", 20), ("PT0.5S", 0.5), ("P0DT0H1M2.000S", 62), ("P1DT1H", 90000), ("PT60.000S", 60)]
)
def test_durations(text, seconds):
    assert soap.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "20", "20S", "P", "PT", "-PT5S", "PT5s", "P1Y", "PT1e3S"])
def test_what_is_no_duration_is_a_schema_error(text):
    with pytest.raises(Refusal) as refused:
        soap.duration(text)
    assert refused.value.kind is refusals.SCHEMA


def test_a_wrong_operation_timeout_is_refused():
    with pytest.raises(Refusal) as refused:
        soap.parse(with_header("w:OperationTimeout", "20"))
    assert refused.value.kind.code == 2150858817


def test_what_is_no_base64_is_refused():
    assert soap.decoded(" eHl6\r\n ") == b"xyz"
    for text in ("eHl", "e!l6", "ü"):
        with pytest.raises(Refusal):
            soap.decoded(text)


def test_a_reply_relates_to_its_request():
    request = soap.parse(envelope())
    root = ElementTree.fromstring(soap.reply(request, "<rsp:SendResponse/>"))
    assert root.findtext("s:Header/a:RelatesTo", None, soap.NAMESPACES) == request.message_id
    assert root.findtext("s:Header/a:Action", None, soap.NAMESPACES) == f"{soap.SHELL}/SendResponse"
    assert root.find("s:Body/rsp:SendResponse", soap.NAMESPACES) is not None


def test_a_fault_has_the_code_where_clients_look():
    body = soap.fault(Refusal(refusals.NO_SHELL, "<A&B>\x00"), "uuid:1", 'hv"01').decode()
    read = WSMan._parse_wsman_fault(body)
    assert (read.code, read.machine) == (2150858843, 'hv"01')
    assert "<A&B>\ufffd" in read.reason
    root = ElementTree.fromstring(body)
    assert root.findtext(".//s:Code/s:Value", None, soap.NAMESPACES) == "s:Sender"
    assert root.findtext(".//s:Subcode/s:Value", None, soap.NAMESPACES) == "w:InvalidSelectors"


def test_some_quotas_arrive_as_a_wmi_error():
    root = ElementTree.fromstring(soap.fault(Refusal(refusals.MAX_OPERATIONS, 15), "uuid:1", "hv01"))
    assert root.find(".//f:WSManFault", soap.NAMESPACES) is None
    wmi = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError}"
    assert root.findtext(f".//{wmi}MSFT_WmiError/{wmi}error_Code") == "2150859174"


def test_every_fault_is_readable_xml():
    kinds = [each for each in vars(refusals).values() if isinstance(each, refusals.Kind)]
    assert len(kinds) > 15
    for kind in kinds:
        body = soap.fault(Refusal(kind, "it"), "", "hv01")
        assert json.loads(json.dumps(WSMan._parse_wsman_fault(body.decode()).reason))
        assert str(kind.code) in body.decode()


def test_streams_and_states():
    assert soap.stream("stdout", "C", b"xyz", end=False) == (
        '<rsp:Stream Name="stdout" CommandId="C">eHl6</rsp:Stream>'
    )
    assert 'End="true"' in soap.stream("stdout", "C", b"", end=True)
    assert "CommandState/Running" in soap.command_state("C", None)
    done = soap.command_state("C", -3)
    assert "CommandState/Done" in done
    assert "<rsp:ExitCode>-3</rsp:ExitCode>" in done
