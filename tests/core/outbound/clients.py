"""A client with one receiver, and the answers that receivers give."""

from collections.abc import Callable, Coroutine
from typing import Any

from handcart.core.outbound.client import Answer, Client, Failed, UrlRules
from tests.support.receivers import HERE, Receiver, Script, names, receiving

GENEROUS = 30
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TRAP = "127.0.0.2"
Run = Callable[[Coroutine[Any, Any, None]], None]


def client_for(receiver: Receiver, **more: Any) -> Client:
    rules = UrlRules(allow_http=True, allow_ports=(receiver.port,), allow_networks=(f"{HERE}/32",))
    return Client(rules, **{"resolve": names(receiver=[HERE]), "idle_seconds": GENEROUS, **more})


async def answer_of(script: Script, *, seconds: float = GENEROUS, most_body: int = 1000, **more: Any) -> Answer | str:
    """A client's result with a receiver: the response or the error. All connections must end with it."""
    async with receiving(script) as receiver:
        client = client_for(receiver, **more)
        try:
            return await client.request("POST", receiver.url, b"{}", [], seconds=seconds, most_body=most_body)
        except Failed as error:
            return str(error)
        finally:
            await client.close()


def head(status: str = "200 OK", *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


CHUNKED = head("200 OK", "Transfer-Encoding: chunked")
LONG = head("200 OK", "Content-Length: 1000000000")
SHORT = head("200 OK", "Content-Length: 10")
