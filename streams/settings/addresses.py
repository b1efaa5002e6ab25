"""What may stand where a host, or a host and its port, belongs.

Rests on decision 66.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_MOST_PORT = 65535
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_MOST_NAME = 253
_BROKER = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]+):(?P<port>[0-9]{1,5})")


def is_host(text: str) -> bool:
    """Return whether a text can be the name or the address of a host; what it is called by need not exist.

    Args:
        text: an IPv6 address without brackets.
    """
    try:
        if ":" in text:
            IPv6Address(text)
            return True
        if re.fullmatch(r"[0-9.]+", text):
            IPv4Address(text)
            return True
        # The resolver takes names in this form only, and raises this for others.
        text.encode("idna")
    except (AddressValueError, UnicodeError):
        return False
    name = text.removesuffix(".")
    return len(name) <= _MOST_NAME and all(_LABEL.fullmatch(label) for label in name.split("."))


def is_host_and_port(text: str) -> bool:
    """Return whether a text is `host:port`, with an IPv6 address in brackets."""
    match = _BROKER.fullmatch(text)
    if match is None or not 0 < int(match["port"]) <= _MOST_PORT:
        return False
    host = match["host"]
    return is_host(host.strip("[]")) and (":" in host) == host.startswith("[")
