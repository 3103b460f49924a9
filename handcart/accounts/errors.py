"""Refusals of operator's commands about accounts."""


class AccountRefused(ValueError):
    """An operator's command was refused. The text says what to change."""
