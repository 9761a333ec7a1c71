"""Properties added to an XMP packet, so that everything else in it stays byte for byte.

XMP specification part 1 (ISO 16684-1:2019), section 7.4: any number of ``rdf:Description`` elements may speak about the
same resource, so that new properties go into one of their own, at the end of ``rdf:RDF``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>'
    '</x:xmpmeta><?xpacket end="w"?>'
).encode()
"""A packet without properties (section 7.3.2); the number in its ``id`` is a constant of the standard."""

_RDF_END = b"</rdf:RDF>"
_EMPTY_RDF = re.compile(rb"<rdf:RDF\b([^<>]*)/>")
_ABOUT = re.compile(rb"""rdf:about\s*=\s*("[^"<]*"|'[^'<]*')""")
_PREFIX = "srdesk"


def with_properties(packet: bytes | None, namespace: str, properties: Mapping[str, str]) -> bytes | None:
    """Return a packet that also says ``properties``; what an earlier call said in the namespace is replaced.

    Args:
        packet: UTF-8; a new packet is made if there is none.
        namespace: URI that ends in ``/`` or ``#``.
        properties: simple properties by their names, which are XML names.

    Returns:
        The packet, or None if this one is of no form that can be added to.
    """
    whole = _EMPTY if packet is None else _EMPTY_RDF.sub(rb"<rdf:RDF\1></rdf:RDF>", packet, count=1)
    whole = _earlier(namespace).sub(b"", whole)
    end = whole.rfind(_RDF_END)
    if end < 0:
        return None
    about = _ABOUT.search(whole)
    said = "".join(f" {_PREFIX}:{name}={quoteattr(value)}" for name, value in properties.items())
    opening = b"<rdf:Description rdf:about=" + (about[1] if about else b'""')
    element = opening + f" xmlns:{_PREFIX}={quoteattr(namespace)}{said}/>".encode("utf-8", "replace")
    return whole[:end] + element + whole[end:]


def _earlier(namespace: str) -> re.Pattern[bytes]:
    """Match an element that `with_properties` wrote."""
    declared = f"xmlns:{_PREFIX}={quoteattr(namespace)}".encode()
    return re.compile(rb"<rdf:Description [^<>]*" + re.escape(declared) + rb"[^<>]*/>")
