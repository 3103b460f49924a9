"""Make docs/operations/people.md: its table shows `handcart/staff/roles.py`."""

from handcart.staff.roles import OPERATIONS, ROLES

PAGE = """\
# People

The people who run the network sign in at the [address of the console](production.md#the-console). Each has a role,
which says what they may do. Customers have [accounts](commands.md#customers-of-the-platform), and shoppers have
[phones](shoppers.md): both have pages of their own.

`make docs` generates this page; the table is `handcart/staff/roles.py`.

## Who may do what

| | {labels} |
|---|{lines}|
| counts | {reaches} |
{rows}

- A role at one retailer or at one store sees and changes nothing elsewhere.
- Commands (`handcart staff` and so on) may do everything: a person who can run them can also read the database.
- A changed role counts from the next page that the person opens. A form that has not arrived whole by then is refused.
- There is always an operator admin who can sign in: the last one cannot be closed and cannot get another role.

## The first admin

A production server without an operator admin logs a link at each start, and prints it if it runs in a terminal. Open
it, and choose a name, an e-mail address and a password. The link works once, within 24 hours. A newer link ends the
older one: with several servers, take the link of the server that started last. Anybody who can read the log before you
use the link can become the admin, so use it soon.

A command can invite the first admin as well:

```sh
handcart staff invite --email ada.sample@example.com --name "Ada Sample" --role operator_admin
handcart staff list
```

## Invite a person

In the console: **People**, **Invite a person**. Or by a command, also for a role at one retailer (`--retailer`) or at
one of its stores (`--retailer` and `--store`):

```sh
handcart staff invite --email bo.sample@example.com --name "Bo Sample" --role dispatcher
handcart staff show bo.sample@example.com
handcart staff link bo.sample@example.com
```

You get a link, which is shown once. Send it only to that person: anybody who has it can accept the invitation.

- The person chooses a password and is signed in. The link then no longer works. If a person says that the link was used
  before, somebody else has used it: close that person, and invite them again.
- The link ends after 24 hours, or when you make a new one: `handcart staff link`, or **Make a new link** on the
  person's page.

## Passkeys

People add passkeys on their own page (their name, at the top). They then sign in with a fingerprint, their face or the
PIN of the device, without a password. A passkey belongs to the host name of the console. After a change of that
name, people sign in with their passwords and add passkeys again. Passkeys need https.

If the server says that a passkey may have been copied, its counter has not risen: remove the passkey, and find out who
else has used the device.

## Lost passwords and lost devices

- **Password forgotten**: make a new link on the person's page, or with `handcart staff link`. The old password works
  until the person has chosen a new one. Then their other browsers are signed out. Passkeys stay.
- **Device lost**: on the person's page, sign its browser out and remove its passkey. If a password was saved on it,
  make a link for a new password.
- **Nobody can sign in as an admin**: `handcart staff link` for one of the admins.

## A person changes or leaves

```sh
handcart staff role bo.sample@example.com --role support
handcart staff close bo.sample@example.com --reason "left the company"
```

A closed person is signed out everywhere at once. Their links and passkeys end, and they cannot sign in again. The
e-mail address is free for a new invitation. What they did stays in the audit log.

## Sign-in

Sessions end after 12 hours without use, and after 7 days in all. Wrong passwords are limited as for customers
([decision 0015](../decisions/0015-sign-in-limits.md)), and counted apart from theirs.

## The audit log

A row of the audit log says who did what, to which person, shopper or order, when, and why. It is written in the same
transaction as the change. The log has:

- what was done to the people of the console: their roles, links, passwords, passkeys and sessions
- what was done to shoppers and their devices
- orders that a dispatcher, another person, a command or Handcart itself gave to a shopper, took away, moved or canceled
- every other command that changes data, such as `handcart retailer set`: which options it had, and their values unless
  these may be secret or personal, such as passwords and e-mail addresses

What shoppers and the retailer's site did with an order is on the page of the order. `handcart sandbox` calls a server
as a client, so that its calls are in the request log of the sandbox. After `handcart restore`, the log is that of the
backup, with a row for the command.

The database refuses to change or delete rows of the log. The console shows them under **Audit log**, with filters and a
CSV file of the newest 10,000 rows that match. A retailer's people see the rows of that retailer; a person's move to
another retailer has a row for each of the two. A command lists them too:

```sh
handcart audit list --operation close_staff
handcart audit list --since 2026-01-01T00:00:00Z --limit 5 --json
```
"""

WHERE = {"everywhere": "everywhere", "retailer": "at one retailer", "store": "at one store"}


def page() -> str:
    """The whole page."""
    rows = (
        f"| {what} (`{name}`) | {' | '.join('yes' if name in role.operations else '' for role in ROLES.values())} |"
        for name, what in OPERATIONS.items()
    )
    return PAGE.format(
        labels=" | ".join(f"{role.label} (`{name}`)" for name, role in ROLES.items()),
        lines="|".join("---" for _ in ROLES),
        reaches=" | ".join(WHERE[role.reach] for role in ROLES.values()),
        rows="\n".join(rows),
    )
