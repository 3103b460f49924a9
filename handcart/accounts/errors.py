"""Refusals of operator's commands about accounts."""


class Refused(ValueError):
    """An operator's command was refused. The text says what to change."""
