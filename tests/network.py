"""No test reaches outside this machine: a name or an address that is not local is refused at once."""

import ipaddress
import socket


class OutsideRefused(AssertionError):
    """Not an OSError on purpose: code that expects network failures must not swallow it."""


def refuse_the_outside() -> None:
    socket.socket.connect = _only_local(socket.socket.connect)
    socket.socket.connect_ex = _only_local(socket.socket.connect_ex)
    resolve = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        _check(host)
        return resolve(host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


def _only_local(connect):
    def connect_if_local(self, address):
        if isinstance(address, tuple):  # a path is a socket of this machine
            _check(address[0])
        return connect(self, address)

    return connect_if_local


def _check(host) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return
    try:
        local = ipaddress.ip_address(name).is_loopback or ipaddress.ip_address(name).is_unspecified
    except ValueError:
        local = False
    if not local:
        raise OutsideRefused(f"A test tried to reach {name!r}. Tests speak to this machine only.")
