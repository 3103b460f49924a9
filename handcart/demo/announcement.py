"""The text that the demo prints when it has started."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handcart.core.settings import Settings
from handcart.demo import running


def announcement(info: dict[str, Any], chosen: Settings, left: Sequence[str]) -> str:
    member, guest = info["accounts"]
    own = _own_name()
    stop = running.stop_command(own, Path(chosen.data))
    is_default = Path(chosen.data) == running.default_directory().resolve()
    named = "" if is_default else f"\n                 after `export SANDBOX_INFO={shlex.quote(chosen.data)}`"
    notes = "  Still on from an earlier start\n" if left else ""
    notes += "".join(f"    {line.format(own)}\n" for line in left)
    return f"""
{chosen.brand} is running.

  Storefront     {info["storefront_url"]}   start here: sign in, link an account, check out
  API            {info["api_url"]}
  API reference  {info["api_url"]}/reference
  Account page   {info["api_url"]}/account

  Customers of {chosen.brand}
    {member["email"]:<20} {member["password"]:<14} with {chosen.membership}
    {guest["email"]:<20} {guest["password"]:<14} without

  Retailer {info["retailer"]}
    client_id      {info["client_id"]}
    client_secret  {info["client_secret"]}
    redirect_uri   {info["redirect_uri"]}

  Data and logs  {chosen.data}
  Commands       {own} sandbox order   places a sample order; `{own} --help` lists all commands{named}
{notes}
{"Ctrl-C, or " if _has_terminal() else ""}`{stop}`{"," if _has_terminal() else ""} stops everything.
"""


def _has_terminal() -> bool:
    """Whether Ctrl-C reaches this process; not with `--detach`."""
    return sys.stdin is not None and sys.stdin.isatty()


def _own_name() -> str:
    """The command that runs this `handcart` in a shell here: its name if the PATH has this one, else its path."""
    own, known = Path(sys.executable).with_name("handcart"), shutil.which("handcart")
    if known is not None and Path(known).resolve() == own.resolve():
        return "handcart"
    if not own.exists():
        return f"{shlex.quote(sys.executable)} -m handcart"
    here = os.path.relpath(own)
    return shlex.quote(str(own) if here.startswith("..") else here)
