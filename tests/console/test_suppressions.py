"""Suppressed addresses in the console: the list, a search by address, and the end of a suppression."""

import secrets

import pytest

from handcart.messages import ops, queries
from handcart.staff import queries as staff
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_page
from tests.support.server import LiveServer

PATH = "/console/suppressions"


def suppress(server: LiveServer, channel: str = "sms") -> tuple[str, str]:
    """A new suppressed address, and its hash."""
    address = f"+1312{secrets.randbelow(10**7):07}" if channel == "sms" else f"kim-{secrets.token_hex(4)}@example.com"
    server.write(ops.suppress, channel, address, "reply", "=STOP now")
    return address, server.read(queries.suppression, channel, address).address_hash.hex()


def test_address_is_typed_then_its_suppression_alone(server: LiveServer) -> None:
    (phone, number), (mail, other) = suppress(server), suppress(server, "mail")
    person = Person(server, "support")
    for address, channel, seen in ((phone, "", number), (mail.upper(), "mail", other), (phone, "mail", None)):
        page = is_page(person.open(PATH, address=address, channel=channel)).text
        assert [one[:16] in page for one in (number, other)] == [one == seen for one in (number, other)]
    assert "There is no such suppression." in is_page(person.open(PATH, address="nobody@example.com")).text
    file = person.http.get(f"{PATH}.csv", params={"address": phone}).text.splitlines()
    assert len(file) == 2
    assert f'"sms","{number}","reply",' in file[1]
    assert '"=STOP' not in file[1]
    page = is_page(person.open(PATH)).text
    assert phone not in page
    assert mail not in page


def test_suppression_ends_then_messages_again_and_the_reason_in_the_log(server: LiveServer) -> None:
    address, number = suppress(server)
    person = Person(server, "dispatcher")
    person.open(PATH, address=address)
    with nothing_written(server):
        assert "write a reason" in is_page(person.submit(f"{PATH}/end", reason="  "), 409).text
    person.open(PATH, address=address)
    assert "messages go to this address again" in is_page(person.submit(f"{PATH}/end", reason="asked by phone")).text
    assert server.read(queries.suppression, "sms", address) is None
    (entry,) = server.read(staff.entries, subject=f"suppression/sms/{number}")
    assert (entry.operation, entry.reason) == ("end_suppressions", "asked by phone")


def test_hundred_and_one_suppressions_then_two_pages(server: LiveServer) -> None:
    for _ in range(101):
        suppress(server)
    person, seen = Person(server), 0
    page = is_page(person.open(PATH, channel="sms")).text
    while True:
        seen += page.count('name="address_hash"')
        if f'href="{PATH}?' not in page:
            break
        more = page.split(f'href="{PATH}?', 1)[1].split('"', 1)[0].replace("&amp;", "&")
        page = is_page(person.http.get(f"{PATH}?{more}")).text
    found = server.sql("SELECT count(*) AS many FROM suppressions WHERE channel = 'sms'")
    assert seen == found[0]["many"]


@pytest.mark.parametrize("fields", [{"after": "sms/xyz"}, {"address": "\0"}, {"channel": "<i>", "after": "/"}])
def test_filter_is_no_filter_then_no_error_of_the_server(server: LiveServer, fields: dict[str, str]) -> None:
    assert Person(server).open(PATH, **fields).status_code in (200, 400)


def test_manager_of_a_retailer_then_no_suppressions(server: LiveServer) -> None:
    manager = Person(server, "retailer_manager", Market(server).retailer.id)
    assert {manager.open(path).status_code for path in (PATH, f"{PATH}.csv")} == {403}
