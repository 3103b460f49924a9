"""Sessions and single-use states, in memory and in a file."""

import sqlite3
from contextlib import closing

import pytest

from storefront.carts import Cart
from storefront.sessions import LINKS_PER_SESSION, SESSION_SECONDS, Session, Sessions, new_session


def test_session_started_then_found_until_it_expires(sessions, clock):
    session = sessions.start("one")
    clock[0] += SESSION_SECONDS - 1
    assert sessions.find(session.id) == session
    clock[0] += 1
    assert sessions.find(session.id) == Session(session.id), "a browser that nothing is known of"


def test_session_kept_twice_then_it_is_the_first(sessions):
    """Two forms posted at once by a new browser."""
    session = new_session()
    sessions.keep_cart(sessions.keep(session), Cart({"milk": 1}))
    assert sessions.cart(sessions.keep(session)).counts == {"milk": 1}


def test_two_form_tokens_then_they_differ_and_do_not_tell_the_session():
    one, other = new_session(), new_session()
    assert one.form_token == Session(one.id, "one", is_kept=True).form_token != other.form_token
    assert one.id not in one.form_token


@pytest.mark.parametrize("session_id", ["", "unknown", "\x00", "\ud800", "a" * 42, "a" * 44, "é" * 43])
def test_session_unknown_then_not_found(sessions, session_id):
    sessions.start("one")
    assert sessions.find(session_id) is None


def test_link_claimed_twice_then_gone(sessions):
    session = sessions.start("one")
    sessions.begin_link(session, "state", "verifier")
    assert sessions.claim_link(session, "state").code_verifier == "verifier"
    assert sessions.claim_link(session, "state") is None


def test_link_of_another_session_then_not_claimed(sessions):
    session, other = sessions.start("one"), sessions.start("one")
    sessions.begin_link(session, "state", "verifier")
    assert sessions.claim_link(other, "state") is None
    assert sessions.claim_link(session, "state") is not None


def test_many_links_begun_then_the_newest_are_kept(sessions):
    session, other = sessions.start("one"), sessions.start("two")
    sessions.begin_link(other, "other", "verifier")
    for number in range(LINKS_PER_SESSION + 1):
        sessions.begin_link(session, f"state {number}", "verifier")
    assert sessions.claim_link(session, "state 0") is None
    assert sessions.claim_link(session, "state 1") is not None
    assert sessions.claim_link(other, "other") is not None


def test_session_ended_then_its_links_are_gone(sessions):
    session = sessions.start("one")
    sessions.begin_link(session, "state", "verifier")
    sessions.end(session)
    assert sessions.claim_link(session, "state") is None


def test_notice_taken_then_gone(sessions):
    session = sessions.start("one")
    sessions.leave_notice(session, "linked")
    assert sessions.take_notice(session) == "linked"
    assert sessions.take_notice(session) is None


def test_file_written_then_sessions_are_in_it_and_no_secret_in_clear(tmp_path):
    path = tmp_path / "storefront.db"
    sessions = Sessions(path)
    session = sessions.start("one")
    sessions.begin_link(session, "the-state-itself", "verifier")
    sessions.close()
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    assert session.id.encode() not in content
    assert b"the-state-itself" not in content
    reopened = Sessions(path)
    assert reopened.find(session.id) == session
    assert reopened.claim_link(session, "the-state-itself") is not None
    reopened.close()


def test_file_of_an_older_shop_then_its_orders_are_kept(tmp_path):
    path = tmp_path / "storefront.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(
            "CREATE TABLE sessions (id_hash TEXT PRIMARY KEY, customer TEXT, form_token TEXT NOT NULL, notice TEXT,"
            " expires_at REAL NOT NULL); CREATE TABLE order_events (event_id TEXT PRIMARY KEY, order_id TEXT NOT NULL,"
            " body BLOB NOT NULL); INSERT INTO order_events VALUES ('1', 'SM-1', '')"
        )
    for _ in range(2):
        sessions = Sessions(path)
        assert sessions.start("one").customer == "one"
        assert sessions._db.execute("SELECT order_id FROM order_events").fetchall() == [("SM-1",)]
        sessions.close()
