"""The connections of the outbound client: the request, how many there are, when they end."""

import asyncio
import os
import re
import resource
from contextlib import suppress

import pytest

from handcart.core.outbound.client import Answer, Crowded, Failed
from handcart.core.outbound.connections import IDLE_EACH, TO_ADDRESS, TO_ADDRESS_EACH
from tests.core.outbound.clients import GENEROUS, LONG, OK, Run, client_for
from tests.support.receivers import Receiver, receiving, saying


def test_post_then_the_request_as_given_and_one_connection_for_all(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            client = client_for(receiver)
            headers = [("content-type", "application/json"), ("Authorization", "Bearer a~b"), ("webhook-id", "1")]
            for _ in range(20):
                answer = await client.request("POST", receiver.url, '{"é": "\0"}'.encode(), headers)
                assert (answer.status, answer.headers, answer.body) == (200, [("content-length", "2")], b"{}")
            await client.close()
        assert receiver.connections == 1
        assert len(set(receiver.requests)) == 1
        start, body = receiver.requests[0].split(b"\r\n\r\n")
        lines = start.decode().split("\r\n")
        assert lines[0] == "POST /hook?a=b HTTP/1.1"
        assert re.fullmatch(r"user-agent: handcart/\d+\.\d+\.\d+\S*", lines.pop(2))
        assert lines[1:] == [
            f"host: receiver.example:{receiver.port}",
            "accept-encoding: identity",
            "content-length: 11",
            *("content-type: application/json", "Authorization: Bearer a~b", "webhook-id: 1"),
        ]
        assert body == '{"é": "\0"}'.encode()

    run(check())


def test_many_posts_at_once_then_16_connections_at_most(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK, pause=0.001)) as receiver:
            client = client_for(receiver)
            answers = await asyncio.gather(*(client.request("POST", receiver.url, b"{}", []) for _ in range(200)))
            await client.close()
        assert {answer.status for answer in answers} == {200}
        assert len(receiver.requests) == 200
        assert 1 < receiver.most_open <= 16
        assert receiver.connections <= 16

    run(check())


def test_all_connections_in_use_then_crowded_says_that_the_cause_is_ours(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying()) as receiver:
            client = client_for(receiver, wait_seconds=0.01)
            holders = [asyncio.create_task(client.request("POST", receiver.url, b"{}", [])) for _ in range(16)]
            await asyncio.sleep(0)
            failures = (client.request("POST", receiver.url, b"{}", []) for _ in range(40))
            for failure in await asyncio.gather(*failures, return_exceptions=True):
                assert isinstance(failure, Crowded)
                assert str(failure) == "none of 16 connections to this host came free in time"
            for holder in holders:
                holder.cancel()
            await asyncio.gather(*holders, return_exceptions=True)
        assert receiver.connections <= 16

    run(check())


def test_many_payers_ask_one_address_then_each_has_some_connections(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying()) as receiver:
            client = client_for(receiver, wait_seconds=GENEROUS)

            async def ask(payer: str, number: int) -> Answer:
                return await client.request("POST", receiver.url, b"{}", [], sharer=(payer, number // 16), payer=payer)

            wanted = {"a": 80, "b": 80, "c": 80, "d": 4}
            asking = [asyncio.create_task(ask(payer, i)) for payer, many in wanted.items() for i in range(many)]
            while len(receiver.requests) < TO_ADDRESS - 32 + 8 + 4:  # noqa: ASYNC110 (each request is one more)
                await asyncio.sleep(0.001)
            (places,) = client._connections.to_addresses.values()
            assert [places.held(payer) for payer in wanted] == [TO_ADDRESS_EACH, 32, 8, 4]
            for one in asking:
                one.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            assert client._connections.to_addresses == {}
        assert receiver.most_open == TO_ADDRESS - 32 + 8 + 4

    run(check())


def test_many_webhooks_answered_then_few_idle_connections_are_kept(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            client = client_for(receiver)
            for number in range(IDLE_EACH + 10):
                assert (await client.request("POST", receiver.url, b"{}", [], sharer=number, payer="a")).status == 200
            assert len(client._connections.idle) == IDLE_EACH
            await client.request("POST", receiver.url, b"{}", [], sharer="b", payer="b")
            assert len(client._connections.idle) == IDLE_EACH + 1
            await client.close()

    run(check())


def test_no_descriptor_is_left_then_the_cause_is_ours(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            client = client_for(receiver)
            held = []
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limits[0]), limits[1]))
                with suppress(OSError):
                    while True:
                        held.append(os.dup(0))
                for _ in range(2):
                    with pytest.raises(Crowded, match="too many open files"):
                        await client.request("POST", receiver.url, b"{}", [])
                found = await (await client._lookup.begin("receiver.example", 443, None))
                assert isinstance(found, Crowded), found
            finally:
                for one in held:
                    os.close(one)
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            assert (await client.request("POST", receiver.url, b"{}", [])).status == 200
            await client.close()

    run(check())


def test_connection_idle_or_post_given_up_then_it_is_closed(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            client = client_for(receiver, idle_seconds=0.01)
            await client.request("POST", receiver.url, b"{}", [])
            assert await receiver.all_closed()
            await client.request("POST", receiver.url, b"{}", [])
            assert receiver.connections == 2
        for script in (saying(), saying(LONG)):
            async with receiving(script) as receiver:
                task = asyncio.create_task(client_for(receiver).request("POST", receiver.url, b"{}", []))
                await asyncio.wait_for(receiver.was_asked.wait(), GENEROUS)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await receiver.all_closed()

    run(check())


def test_kept_connection_was_closed_then_asked_once_more_on_a_new_one(run: Run) -> None:
    async def every_second_time(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(OK) if len(receiver.requests) != 2 else writer.close()

    async def close_later(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        writer.close()

    async def check() -> None:
        for script, asked, pause in ((every_second_time, 3, 0), (close_later, 2, 0), (close_later, 2, 0.05)):
            async with receiving(script) as receiver:
                client = client_for(receiver)
                for _ in range(2):
                    assert (await client.request("POST", receiver.url, b"{}", [])).status == 200
                    await asyncio.sleep(pause)
                await client.close()
            assert (receiver.connections, len(receiver.requests)) == (2, asked)
        async with receiving(saying(close=True)) as receiver:
            with pytest.raises(Failed, match="connection closed before an answer"):
                await client_for(receiver).request("POST", receiver.url, b"{}", [])
        assert receiver.connections == 1

    run(check())
