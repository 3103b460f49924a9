"""`handcart message`: each command, and its error messages."""

from pathlib import Path
from typing import Any

from click.testing import CliRunner

from handcart.cli import handcart
from handcart.messages.gateways import REFUSED, Result
from handcart.messages.models import FAILED, PENDING, SUPPRESSED
from tests.cli import conftest as operators
from tests.cli.conftest import Run, answer, refusal
from tests.messages.test_smtp import Mailbox, serving
from tests.support.contents import nothing_written
from tests.support.gateways import Remembering, drain
from tests.support.letters import read, write
from tests.support.server import LiveServer, make_data, on_sqlite
from tests.support.shop import Shop

run = operators.run


def refuse(server: LiveServer, gateway: Remembering, message_id: int, detail: str = "no such number") -> None:
    gateway.answers[message_id] = [Result(REFUSED, detail)]
    drain(server, gateway)


def test_messages_listed_then_neither_addresses_nor_texts(server: LiveServer, run: Run, gateway: Remembering) -> None:
    shop = Shop(server)
    first = write(server, "sms", retailer_id=shop.retailer.id, order_id="ORD-1", address="+13125550161")
    second = write(server, recipient="account/616", body="one-time-link", due_at=0)
    refuse(server, gateway, first)
    listed = answer(run("message", "list", "--retailer", shop.slug, "--order", "ORD-1", "--json"))["messages"]
    assert [(one["id"], one["state"], one["reason"]) for one in listed] == [(first, FAILED, "no such number")]
    text = run("message", "list", "--retailer", shop.slug, "--state", "failed", "--limit", "1").output
    assert "no such number" in text
    assert f"add --before {first}" in text
    everything = run("message", "list", "--json").output
    assert "13125550161" not in everything
    assert "one-time-link" not in everything
    by_recipient = answer(run("message", "list", "--recipient", "account/616", "--json"))["messages"]
    assert [one["id"] for one in by_recipient] == [second]
    assert run("message", "list", "--channel", "push", "--before", "1").output == "There are no such messages.\n"
    assert "needs --retailer" in run("message", "list", "--order", "1").output


def test_message_shown_then_its_text_and_every_attempt(server: LiveServer, run: Run, gateway: Remembering) -> None:
    message_id = write(server, address="bo@example.com", subject="Hello", body="First line\nSecond \u202eline")
    refuse(server, gateway, message_id, "mailbox full")
    shown = run("message", "show", str(message_id)).output
    for part in ("bo@example.com", "  Hello", "  Second line", "attempt 1 at", "by test", "mailbox full"):
        assert part in shown
    plain = answer(run("message", "show", str(message_id), "--json"))
    assert (plain["body"], plain["suppressed"]) == ("First line\nSecond line", None)
    assert [one["outcome"] for one in plain["attempts"]] == ["failed"]
    assert refusal(run("message", "show", "1")) == "there is no message 1: `handcart message list` shows the ids"


def test_failed_message_replayed_then_it_waits_and_the_audit_log_knows(
    server: LiveServer, run: Run, gateway: Remembering
) -> None:
    message_id = write(server)
    refuse(server, gateway, message_id)
    assert answer(run("message", "replay", str(message_id), "--json")) == {"id": message_id, "state": "pending"}
    assert read(server, message_id).state == PENDING
    rows = server.sql("SELECT detail FROM audit_log WHERE operation = 'handcart message replay'")
    assert str(message_id) in str([row["detail"] for row in rows])
    with nothing_written(server):
        assert "only a message that failed" in refusal(run("message", "replay", str(message_id)))


def test_address_suppressed_and_unsuppressed_then_messages_follow(server: LiveServer, run: Run) -> None:
    waiting = write(server, "sms", address="+13125550162")
    made = run("message", "suppress", "--channel", "sms", "(312) 555-0162", "--reason", "asked by phone")
    assert made.output == "No more messages go to this address by sms. Waiting messages that ended: 1.\n"
    assert read(server, waiting).state == SUPPRESSED
    shown = answer(run("message", "show", str(waiting), "--json"))
    assert shown["suppressed"].startswith("operator at ")
    assert shown["suppressed"].endswith(": asked by phone")
    rows = server.sql("SELECT detail FROM audit_log WHERE operation LIKE 'handcart message%'")
    assert "5550162" not in str([row["detail"] for row in rows])
    again = answer(run("message", "unsuppress", "--channel", "sms", "+13125550162", "--json"))
    assert again == {"channel": "sms", "suppressed": False, "was_suppressed": True}
    assert "was not suppressed" in run("message", "unsuppress", "--channel", "sms", "+13125550162").output
    with nothing_written(server):
        assert "is not an e-mail address" in run("message", "suppress", "--channel", "mail", "nobody").output


@on_sqlite
def test_gateway_tested_then_its_answer_is_printed(server: LiveServer, tmp_path: Path) -> None:
    make_data(tmp_path)
    mailbox = Mailbox()
    with serving(mailbox) as port:
        given = {
            "HANDCART_SMTP_HOST": "127.0.0.1",
            "HANDCART_SMTP_PORT": str(port),
            "HANDCART_SMTP_SECURITY": "none",
            "HANDCART_MAIL_FROM": "Market <market@example.com>",
            "HANDCART_PUBLIC_URL": "https://connect.example",
        }

        def test(*arguments: str, **more: str) -> Any:
            return CliRunner().invoke(
                handcart, ["message", "test", *arguments, "--data", str(tmp_path)], env={**given, **more}
            )

        assert answer(test("--channel", "mail", "you@example.com", "--json"))["outcome"] == "sent"
        mailbox.to_recipient = "550 no such user"
        refused = test("--channel", "mail", "you@example.com")
        assert (refused.exit_code, "refused: 550 no such user" in refused.output) == (1, True)
        assert "HANDCART_SMS_GATEWAY" in test("--channel", "sms", "+13125550100").output
        assert "is not a phone number" in test("--channel", "sms", "you").output
        assert (
            "a sandbox sends no messages"
            in test("--channel", "mail", "you@example.com", HANDCART_ENVIRONMENT="sandbox").output
        )
    assert [one["Subject"] for one in mailbox.mails] == ["Test message of Handcart"]
