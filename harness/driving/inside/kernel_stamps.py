"""When bytes reached this machine's socket, by the kernel: `SO_TIMESTAMPNS` (socket(7); for TCP since Linux 4.14).

A response is over when it has come, not when the generator gets to look at it. On shared cores that is a difference of
milliseconds: the process that has just answered may go on computing while the generator waits for the CPU, and the
figure would say how long the generator had to wait. For TCP the stamp is that of the last segment read
(`tcp_recv_timestamp` in Linux' net/ipv4/tcp.c); over loopback it is taken while the sender is still inside its `send`.

The stamp is of CLOCK_REALTIME; only its age, of microseconds to milliseconds, enters a figure.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Sequence
from time import time

_SO_TIMESTAMPNS = 35  # include/uapi/asm-generic/socket.h; Python has no name for it
_STAMP = struct.Struct("qq")  # struct timespec: seconds, nanoseconds
SPACE_BYTES = socket.CMSG_SPACE(_STAMP.size) if hasattr(socket, "CMSG_SPACE") else 0
# No answer waits longer to be looked at; an age beyond this is a clock that was set meanwhile.
_OLDEST_S = 30.0


def switch(connection: socket.socket, *, on: bool) -> bool:
    """True where the kernel will stamp what this socket receives. Where it can't (macOS), that is never.

    The first socket of the machine to ask for it starts the stamping a moment later (`net_enable_timestamp` in Linux'
    net/core/dev.c); what comes before has no stamp, and an age of 0.
    """
    if sys.platform != "linux":
        return False
    try:
        connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, on)
    except OSError:
        return False
    return on


def age_s(ancillary: Sequence[tuple[int, int, bytes]]) -> float:
    """How long ago what `recvmsg` just gave had come; 0 where it has no stamp."""
    if not ancillary:
        return 0.0
    seconds, nanoseconds = _STAMP.unpack(ancillary[0][2])
    age: float = time() - seconds - nanoseconds * 1e-9
    return age if 0 < age < _OLDEST_S else 0.0
