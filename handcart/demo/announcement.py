"""The text that the demo prints when it has started."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handcart.core import qr
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
  Mailbox        {info["api_url"]}/console/mailbox   what customers are told; sign in as staff

  Customers of {chosen.brand}
    {member["email"]:<20} {member["password"]:<14} with {chosen.membership}
    {guest["email"]:<20} {guest["password"]:<14} without

  Staff of {chosen.brand}: {info["console_url"]}
{_staff(info["staff"])}

  Shoppers of {chosen.brand}: open the link on a phone or in a browser. It works once, within 15 minutes.
{_shoppers(info["shoppers"])}

  Retailer {info["retailer"]}
    client_id      {info["client_id"]}
    client_secret  {info["client_secret"]}
    redirect_uri   {info["redirect_uri"]}

  Messages       {own} message list   lists what customers would have got by mail, text message and push
  Data and logs  {chosen.data}
  Commands       {own} sandbox order   places a sample order; `{own} --help` lists all commands{named}
{notes}
{"Ctrl-C, or " if _has_terminal() else ""}`{stop}`{"," if _has_terminal() else ""} stops everything.
"""


def _staff(people: Sequence[dict[str, Any]]) -> str:
    return "\n".join(f"    {one['email']:<24} {one['password']:<14} {one['role']}" for one in people)


def _shoppers(people: Sequence[dict[str, Any]]) -> str:
    """The shoppers with their links; below, on a terminal, the same links as QR codes, side by side if they fit."""
    lines = [f"    {one['name']:<14} {one['link']}" for one in people]
    if not sys.stdout.isatty():
        return "\n".join(lines)
    codes = [[one["name"], *qr.terminal(one["link"]).split("\n")] for one in people]
    width = max(len(line) for code in codes for line in code)
    if len(codes) * (width + 4) > shutil.get_terminal_size().columns:
        return "\n".join([*lines, "", *(f"    {line}" for code in codes for line in code)])
    rows = ("    ".join(line.ljust(width) for line in row).rstrip() for row in zip(*codes, strict=True))
    return "\n".join([*lines, "", *(f"    {row}" for row in rows)])


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
