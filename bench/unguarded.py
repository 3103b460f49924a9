"""`python -m bench.unguarded`: `handcart` without the check that refuses receivers on this machine in production."""

from typing import Any

from handcart import safety
from handcart.cli import main


async def _nothing(*_args: Any) -> safety.Findings:
    return safety.Findings()


if __name__ == "__main__":
    safety.look = _nothing
    main()
