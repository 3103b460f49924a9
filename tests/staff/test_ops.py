"""Invite, change and close people: what is refused, and that an admin always stays."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handcart.sign_in import links
from handcart.sign_in.models import STAFF
from handcart.staff import access, ops, queries
from handcart.staff.errors import PersonRefused
from handcart.staff.models import command_line
from tests.support.console import Person
from tests.support.contents import mentions, nothing_written
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD_HASH, Shop, new_email

ACTOR = command_line()


def invite(server: LiveServer, **given: Any) -> Any:
    return server.write(
        ops.invite, ACTOR, **{"email": new_email(), "name": "Sam Sample", "role": "dispatcher", **given}
    )


def accept(server: LiveServer, token: str, purpose: str = ops.INVITATION) -> Any:
    return server.write(access.choose_password, purpose, token, PASSWORD_HASH, "", "")


def test_person_is_invited_then_listed_and_recorded_without_the_token(server: LiveServer) -> None:
    invited = invite(server, email=f"  Sam.{new_email().upper()} ", name="  Sam \t Sample ")
    assert (invited.person.name, invited.person.email) == ("Sam Sample", invited.person.email.strip().lower())
    assert invited.person in server.read(queries.people)
    (entry,) = server.read(queries.entries, subject=f"staff/{invited.person.id}")
    assert (entry.actor_kind, entry.operation) == ("command", "invite_staff")
    assert mentions(server, invited.token) == []


@on_sqlite
def test_person_that_cannot_be_taken_then_the_reason_and_nothing_written(shop: Shop) -> None:
    there = Person(shop.server).email
    own = {"retailer_id": shop.retailer.id}
    table: list[tuple[str, dict[str, Any]]] = [
        *(("email", {"email": email}) for email in ("", "nobody", "a b@example.com", "a@" + "b" * 300, "a\u202eb@c.d")),
        ("email_taken", {"email": f" {there.upper()}"}),
        *(("name", {"name": name}) for name in ("", "  ", "x" * 101, "a\x1bb", "a\u202eb")),
        ("role", {"role": "owner"}),
        ("place_everywhere", {"role": "support", **own}),
        ("place_everywhere", {"role": "operator_admin", "store_number": 1}),
        ("place_retailer", {"role": "retailer_manager"}),
        ("place_retailer", {"role": "retailer_manager", **own, "store_number": 1}),
        ("place_store", {"role": "store_associate"}),
        ("place_store", {"role": "store_associate", **own}),
    ]
    for reason, given in table:
        with nothing_written(shop.server), pytest.raises(PersonRefused) as refused:
            invite(shop.server, **given)
        assert refused.value.reason == reason, given


def test_email_is_invited_at_once_then_one_person(server: LiveServer) -> None:
    email = new_email()

    def attempt(_: int) -> str:
        try:
            invite(server, email=email)
        except PersonRefused as refused:
            return refused.reason
        return "made"

    with ThreadPoolExecutor(8) as inviters:
        assert sorted(inviters.map(attempt, range(8))) == ["email_taken"] * 7 + ["made"]


def test_new_link_then_the_older_one_ends_and_a_password_ends_sessions(server: LiveServer) -> None:
    invited = invite(server)
    again = server.write(ops.link, ACTOR, invited.person.id)
    assert again.purpose == ops.INVITATION
    assert accept(server, invited.token) is None
    first = accept(server, again.token)
    assert server.read(queries.signed_in, first.session).id == invited.person.id
    link = server.write(ops.link, ACTOR, invited.person.id)
    assert link.purpose == ops.NEW_PASSWORD
    assert accept(server, link.token) is None
    second = accept(server, link.token, ops.NEW_PASSWORD)
    assert server.read(queries.signed_in, first.session) is None
    assert server.read(queries.signed_in, second.session).id == invited.person.id


def test_person_is_closed_then_sessions_links_and_use_of_the_email_end(server: LiveServer) -> None:
    invited = invite(server)
    session = accept(server, invited.token).session
    link = server.write(ops.link, ACTOR, invited.person.id)
    server.write(ops.close, ACTOR, invited.person.id, "left")
    assert server.read(queries.signed_in, session) is None
    assert server.read(links.find, STAFF, ops.NEW_PASSWORD, link.token) is None
    for op in (ops.close, ops.link):
        with nothing_written(server), pytest.raises(PersonRefused) as refused:
            server.write(op, ACTOR, invited.person.id)
        assert refused.value.reason == "closed"
    entry = server.read(queries.entries, subject=f"staff/{invited.person.id}")[0]
    assert (entry.operation, entry.reason) == ("close_staff", "left")
    assert invite(server, email=invited.person.email).person.id != invited.person.id


def test_role_changes_then_it_counts_at_the_new_place(shop: Shop) -> None:
    person = Person(shop.server, "dispatcher")
    changed = shop.server.write(ops.change_role, ACTOR, person.id, "store_associate", shop.retailer.id, 3)
    assert (changed.role, changed.retailer_id, changed.store_number) == ("store_associate", shop.retailer.id, 3)
    assert person.actor.store_number == 3
    (entry,) = shop.server.read(queries.entries, retailer_id=shop.retailer.id)
    place = {"retailer": shop.slug, "store_number": 3}
    assert entry.detail == {"from": {"role": "dispatcher"}, "to": {"role": "store_associate", **place}}


def test_person_of_a_retailer_chooses_passwords_then_the_retailer_sees_it(shop: Shop) -> None:
    invited = invite(shop.server, role="retailer_manager", retailer_id=shop.retailer.id)
    accept(shop.server, invited.token)
    link = shop.server.write(ops.link, ACTOR, invited.person.id)
    accept(shop.server, link.token, link.purpose)
    actor = queries.actor(invited.person)
    shop.server.write(access.change_password, actor, PASSWORD_HASH, "", "")
    found = shop.server.read(queries.entries, retailer_id=shop.retailer.id)
    own = [entry.operation for entry in found if entry.actor_id == actor.id]
    assert own == ["change_password", "set_new_password", "accept_invitation"]


def test_person_moves_to_another_retailer_then_both_see_it(shop: Shop) -> None:
    other = Shop(shop.server)
    person = Person(shop.server, "retailer_manager", shop.retailer.id)
    shop.server.write(ops.change_role, ACTOR, person.id, "store_associate", other.retailer.id, 1)
    for retailer in (shop.retailer, other.retailer):
        (entry,) = shop.server.read(queries.entries, retailer_id=retailer.id, operation="change_role")
        assert (entry.subject, entry.detail) == (
            f"staff/{person.id}",
            {
                "from": {"role": "retailer_manager", "retailer": shop.slug},
                "to": {"role": "store_associate", "retailer": other.slug, "store_number": 1},
            },
        )


@pytest.fixture
def two_admins(server: LiveServer) -> list[Person]:
    """Two operator admins, and no other in the database."""
    server.sql("UPDATE staff SET closed_at = 1 WHERE role = 'operator_admin' AND closed_at IS NULL RETURNING id")
    return [Person(server), Person(server)]


def test_last_admin_is_closed_or_demoted_then_refused(server: LiveServer, two_admins: list[Person]) -> None:
    first, second = two_admins
    invite(server, role="operator_admin")  # a person without a password does not count
    server.write(ops.change_role, first.actor, first.id, "support")
    for op, *more in ((ops.close, "left"), (ops.change_role, "support")):
        with nothing_written(server), pytest.raises(PersonRefused) as refused:
            server.write(op, ACTOR, second.id, *more)
        assert refused.value.reason == "last_admin"


def test_two_admins_close_each_other_at_once_then_one_stays(server: LiveServer, two_admins: list[Person]) -> None:
    actors = [person.actor for person in two_admins]

    def attempt(pair: tuple[int, int]) -> str:
        try:
            server.write(ops.close, actors[pair[0]], two_admins[pair[1]].id)
        except PersonRefused as refused:
            return refused.reason
        return "closed"

    with ThreadPoolExecutor(2) as closers:
        assert sorted(closers.map(attempt, [(0, 1), (1, 0)])) == ["closed", "last_admin"]
    assert server.read(queries.has_admin)


def test_no_admin_then_a_link_makes_the_first_and_no_second(server: LiveServer) -> None:
    server.sql("UPDATE staff SET closed_at = 1 WHERE closed_at IS NULL RETURNING id")
    older, link = server.write(access.first_admin_link), server.write(access.first_admin_link)

    def use(token: str, email: str) -> Any:
        return server.write(access.become_first_admin, token, email, "Ada", PASSWORD_HASH, "", "")

    assert use(older, new_email()) is None
    with nothing_written(server), pytest.raises(PersonRefused):
        use(link, "nobody")
    signed_in = use(link, new_email())
    assert server.read(queries.signed_in, signed_in.session).role == "operator_admin"
    assert use(link, new_email()) is None
    assert server.write(access.first_admin_link) is None


def test_link_for_the_first_admin_and_there_is_an_admin_then_refused(server: LiveServer) -> None:
    server.sql("UPDATE staff SET closed_at = 1 WHERE closed_at IS NULL RETURNING id")
    link = server.write(access.first_admin_link)
    accept(server, invite(server, role="operator_admin").token)
    email = new_email()
    assert server.write(access.become_first_admin, link, email, "Ada", PASSWORD_HASH, "", "") is None
    assert server.read(queries.by_email, email) is None
