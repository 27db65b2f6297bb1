"""Several commands as one, so that one supervisor holds them all. Run as a script:

    python -I -S several.py FD,FD,... -- command argument ... -- command argument ...

Each command inherits its own descriptor and none of the others, so that the other end sees when it is gone. Ends when
the last has ended. Like the supervisor, it imports only the standard library.
"""

import subprocess
import sys
from itertools import groupby


def start_all(arguments: list[str]) -> list["subprocess.Popen[bytes]"]:
    descriptors = [int(fd) for fd in arguments[0].split(",")]
    commands = [list(words) for is_mark, words in groupby(arguments[1:], lambda word: word == "--") if not is_mark]
    return [subprocess.Popen(command, pass_fds=[fd]) for fd, command in zip(descriptors, commands, strict=True)]


if __name__ == "__main__":
    for process in start_all(sys.argv[1:]):
        process.wait()
