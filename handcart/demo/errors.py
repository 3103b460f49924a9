"""Why the demo cannot run."""


class DemoFailed(Exception):
    """The demo cannot start, or has ended. The text says why."""
