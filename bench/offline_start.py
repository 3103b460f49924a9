"""Measure how fast the shopper's app opens without a network: `python -m bench.offline_start`.

Chromium runs the app of a production server, with a processor that is slowed down. The app was opened once with a
network, so the phone has its files and the work. Then the network is cut, and the app is opened again and again; the
time runs from the start of the navigation until the work is on the screen.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from bench import machine
from tests.browser.network import network
from tests.browser.test_fulfilment import Shopper, cart
from tests.support.browser import chromium

GOAL_SECONDS = 1.0


def main() -> None:
    options = _options()
    seconds = _measure(options.rounds, options.slower)
    verdict = "reached" if median(seconds) <= GOAL_SECONDS else "not reached"
    print(
        f"The app opened {options.rounds} times without a network, on a processor slowed {options.slower} times.\n"
        f"Seconds until the work shows: median {median(seconds):.2f}, best {min(seconds):.2f},"
        f" worst {max(seconds):.2f}; goal <= {GOAL_SECONDS:g}: {verdict}\n"
        f"Load average {machine.describe()['load average']}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.offline_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="how often the app is opened (default 11)")
    parser.add_argument("--slower", type=int, default=4, help="how much slower the processor is (default 4 times)")
    return parser.parse_args()


def _measure(rounds: int, slower: int) -> list[float]:
    """Seconds of each opening."""
    with (
        tempfile.TemporaryDirectory() as directory,
        network(f"sqlite:///{directory}/handcart.db", Path(directory)) as net,
        chromium("ignore-certificate-errors") as browser,
    ):
        order_id = net.market.order("delivery", items=cart())["id"]
        one = Shopper(net, browser)
        one.page.evaluate("navigator.serviceWorker.ready")
        one.given(order_id)
        work = one.page.get_by_role("button", name="Accept")
        work.wait_for()
        one.context.new_cdp_session(one.page).send("Emulation.setCPUThrottlingRate", {"rate": slower})
        one.context.set_offline(True)
        seconds = []
        for _ in range(rounds):
            one.page.goto("about:blank")
            one.page.goto(f"{net.server.url}/shopper", wait_until="commit")
            work.wait_for()
            seconds.append(one.page.evaluate("performance.now()") / 1000)
        return seconds


if __name__ == "__main__":
    main()
