"""End this process when its parent process ends, however that ends."""

import os
import signal
from multiprocessing import connection, parent_process
from threading import Thread


def with_parent() -> None:
    """For a process that `multiprocessing` started: receive SIGTERM when the parent ends, also by SIGKILL."""
    parent = parent_process()
    if parent is not None:
        _when_ready(parent.sentinel)


def with_standard_input() -> None:
    """Receive SIGTERM when standard input ends: a pipe ends with the process that holds its other end."""
    _when_ready(0)


def _when_ready(descriptor: int) -> None:
    def wait() -> None:
        connection.wait([descriptor])
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="ending", daemon=True).start()
