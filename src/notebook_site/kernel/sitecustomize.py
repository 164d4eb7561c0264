"""Loaded by every Python that a notebook starts: connections beyond this machine are refused.

An audit hook sees every socket call made through Python and cannot be taken out again. Programs that are not Python
are not seen; the check for downloads in code cells looks for those.
"""

import ipaddress
import sys


class NetworkIsOff(OSError):
    """Raised where a notebook tries to leave the machine."""


def _is_local(host):
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in ("", "localhost", "ip6-localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_foreign_hosts(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None  # Unix sockets have a path, no tuple
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not _is_local(host):
        raise NetworkIsOff(f"the network is off while notebooks are executed (asked for {host!r})")


sys.addaudithook(_refuse_foreign_hosts)
