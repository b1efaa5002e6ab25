"""Free TCP ports on the loopback interface."""

import secrets
import socket

LOOPBACK = "127.0.0.1"
# Below the range from which kernels take the local ports of outgoing connections: there, a client that
# keeps calling a stopped server can be given the server's own port, and would then hold it.
FIRST, LAST = 20_000, 32_000


def free_ports(count: int) -> tuple[int, ...]:
    """Choose ports that nothing listens on now; another process may still be faster.

    Args:
        count: How many ports.

    Returns:
        That many different ports.
    """
    ports: set[int] = set()
    while len(ports) < count:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if _is_free(port):
            ports.add(port)
    return tuple(ports)


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
