"""`python -m bench.unguarded`: `handcart` without the check that refuses receivers on this machine in production."""

from typing import Any

from handcart.cli import main
from handcart.upkeep import safety


async def _nothing(*_args: Any) -> safety.Findings:
    return safety.Findings()


if __name__ == "__main__":
    safety.look = _nothing
    main()
