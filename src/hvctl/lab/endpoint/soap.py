"""SOAP envelopes of WS-Management: requests read, replies and faults written."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.sax.saxutils import escape, quoteattr

from hvctl.lab.endpoint.refusals import INVALID_XML, SCHEMA, Refusal

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
}
SHELL = NAMESPACES["rsp"]
CMD = f"{SHELL}/cmd"
"""The resource that a shell is."""
ACTIONS = {
    "Get": f"{NAMESPACES['x']}/Get",
    "Create": f"{NAMESPACES['x']}/Create",
    "Delete": f"{NAMESPACES['x']}/Delete",
    "Command": f"{SHELL}/Command",
    "Send": f"{SHELL}/Send",
    "Receive": f"{SHELL}/Receive",
    "Signal": f"{SHELL}/Signal",
}
"""What a client may ask for, and the URI by which it does."""

_BY_URI = {uri: name for name, uri in ACTIONS.items()}
_FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_ANONYMOUS = f"{NAMESPACES['a']}/role/anonymous"
_WMI_ERROR = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
_PREFIXES = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
# XML 1.0 has no place for other control characters, escaped or not.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Request:
    """An envelope that a client sent.

    Attributes:
        action: A key of ACTIONS, or the URI where it is none of them.
        message_id: The text that the reply relates to.
        resource: The resource URI.
        selectors: Name to value.
        options: Name to value.
        operation_timeout: Seconds that the client gives the operation; None where it says nothing.
        max_envelope: Bytes that the reply may have; None where the client says nothing.
        body: The element within s:Body; None where it is empty.
    """

    action: str
    message_id: str
    resource: str
    selectors: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    operation_timeout: float | None = None
    max_envelope: int | None = None
    body: Element | None = None

    def text(self, path: str) -> str | None:
        """The text of an element below the body's, by a path such as `rsp:Command`; None where it is missing."""
        found = self.body.find(path, NAMESPACES) if self.body is not None else None
        return None if found is None else found.text or ""

    def texts(self, path: str) -> list[str]:
        """The texts of all such elements."""
        found = self.body.findall(path, NAMESPACES) if self.body is not None else []
        return [each.text or "" for each in found]


def parse(body: bytes) -> Request:
    """Read an envelope.

    Raises:
        Refusal: It is no XML, has a document type, or is no envelope.
    """
    root = _tree(body)
    header = root.find("s:Header", NAMESPACES)
    content = root.find("s:Body", NAMESPACES)
    if root.tag != f"{{{NAMESPACES['s']}}}Envelope" or header is None or content is None:
        raise Refusal(SCHEMA, "it is no SOAP envelope")
    action = _text(header, "a:Action")
    timeout = _text(header, "w:OperationTimeout")
    size = _text(header, "w:MaxEnvelopeSize")
    return Request(
        action=_BY_URI.get(action, action),
        message_id=_text(header, "a:MessageID"),
        resource=_text(header, "w:ResourceURI"),
        selectors=_named(header, "w:SelectorSet/w:Selector"),
        options=_named(header, "w:OptionSet/w:Option"),
        operation_timeout=duration(timeout) if timeout else None,
        max_envelope=int(size) if size.isdecimal() else None,
        body=next(iter(content), None),
    )


def action_of(body: bytes) -> str | None:
    """The action that an envelope asks for, a key of ACTIONS; None where it is no envelope or another action."""
    try:
        action = parse(body).action
    except Refusal:
        return None
    return action if action in ACTIONS else None


def duration(text: str) -> float:
    """The seconds of an xs:duration of days and less, such as PT20S.

    Raises:
        Refusal: It is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise Refusal(SCHEMA, f"'{text}' is no duration")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def decoded(text: str) -> bytes:
    """The bytes of a base64 text.

    Raises:
        Refusal: It is none.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(SCHEMA, "a stream is no base64") from None


def reply(request: Request, content: str) -> bytes:
    """The envelope that answers a request; `content` is what stands in its body, as XML."""
    return _envelope(f"{ACTIONS[request.action]}Response", request.message_id, content)


def fault(refusal: Refusal, relates_to: str, machine: str) -> bytes:
    """The envelope of a fault.

    Args:
        refusal: What it says.
        relates_to: The request's message id, empty where it could not be read.
        machine: The name of the host.
    """
    kind, reason = refusal.kind, text(refusal.reason)
    blame = "s:Sender" if kind.sender else "s:Receiver"
    content = (
        f"<s:Fault><s:Code><s:Value>{blame}</s:Value><s:Subcode><s:Value>{kind.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason>'
        f"<s:Detail>{_detail(refusal, machine)}</s:Detail></s:Fault>"
    )
    return _envelope(_FAULT_ACTION, relates_to, content)


def text(value: object) -> str:
    """A value as the text of an element."""
    return escape(_UNPRINTABLE.sub("\ufffd", str(value)))


def attribute(value: object) -> str:
    """A value as an attribute, quotes included."""
    return quoteattr(_UNPRINTABLE.sub("\ufffd", str(value)))


def stream(name: str, command: str, data: bytes, *, end: bool) -> str:
    """One rsp:Stream of a Receive's reply."""
    opening = f"<rsp:Stream Name={attribute(name)} CommandId={attribute(command)}" + (' End="true"' if end else "")
    return f"{opening}>{base64.b64encode(data).decode('ascii')}</rsp:Stream>"


def command_state(command: str, exit_code: int | None) -> str:
    """The rsp:CommandState of a Receive's reply: Running, or Done with its exit code."""
    opening = f"<rsp:CommandState CommandId={attribute(command)} State="
    if exit_code is None:
        return f'{opening}"{SHELL}/CommandState/Running"/>'
    return f'{opening}"{SHELL}/CommandState/Done"><rsp:ExitCode>{exit_code}</rsp:ExitCode></rsp:CommandState>'


class _Builder(TreeBuilder):
    """Builds the tree of a document without a document type: entities are how small bodies grow without end."""

    def doctype(self, *_: object) -> NoReturn:
        """Refuse."""
        raise ParseError("an envelope has no document type")


def _tree(body: bytes) -> Element:
    parser = XMLParser(target=_Builder())  # noqa: S314 - without a document type there are no entities to attack with
    try:
        parser.feed(body)
        root = parser.close()
    except (ParseError, ValueError, LookupError):  # the last two: of encodings
        raise Refusal(INVALID_XML) from None
    if not isinstance(root, Element):
        raise Refusal(INVALID_XML)
    return root


def _text(element: Element, path: str) -> str:
    return (element.findtext(path, "", NAMESPACES) or "").strip()


def _named(element: Element, path: str) -> dict[str, str]:
    return {each.get("Name", ""): each.text or "" for each in element.findall(path, NAMESPACES)}


def _envelope(action: str, relates_to: str, content: str) -> bytes:
    related = f"<a:RelatesTo>{text(relates_to)}</a:RelatesTo>" if relates_to else ""
    return (
        f'<s:Envelope xml:lang="en-US" {_PREFIXES}><s:Header><a:Action>{text(action)}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID><a:To>{_ANONYMOUS}</a:To>{related}</s:Header>"
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


def _detail(refusal: Refusal, machine: str) -> str:
    kind, reason = refusal.kind, text(refusal.reason)
    if kind.wmi:
        return (
            f'<e:MSFT_WmiError xmlns:e="{_WMI_ERROR}"><e:CIMStatusCode>27</e:CIMStatusCode>'
            f"<e:Message>{reason}</e:Message><e:MessageID>HRESULT 0x{kind.code:08x}</e:MessageID>"
            f"<e:error_Code>{kind.code}</e:error_Code></e:MSFT_WmiError>"
        )
    return (
        f'<f:WSManFault Code="{kind.code}" Machine={attribute(machine)}><f:Message>{reason}</f:Message></f:WSManFault>'
    )
