"""
Run a Python server and sample which part of it uses the processor: `python -m bench.sampler FILE COMMAND ...`.

The first SIGUSR1 begins, the second one ends and writes FILE: CPU seconds by component and by function (JSON). A sample
is taken each millisecond of CPU time; it costs about 1 %. COMMAND is a console script of Python or `python -m MODULE`.
"""

import json
import runpy
import signal
import sys
import time
from collections import Counter
from functools import lru_cache
from pathlib import Path
from types import FrameType

INTERVAL_SECONDS = 0.001
OTHER_THREADS = "other threads"
LOOP = "loop and kernel"
# While one of these is the innermost frame, the event loop runs and no Python does.
_RUNNERS = ("bench/sampler.py", "handcart/serve.py", "uvicorn/server.py", "uvicorn/main.py", "asyncio/runners.py")

_components: Counter[str] = Counter()
_functions: Counter[str] = Counter()
_before: tuple[float, float] | None = None


@lru_cache(1 << 14)
def component(path: str) -> str | None:
    """The component that a source file belongs to; None: its time belongs to its caller."""
    if path.endswith(_RUNNERS):
        return LOOP
    parts = Path(path).parts
    for root in ("handcart", "bench"):
        if root in parts and "site-packages" not in parts:
            inner = parts[len(parts) - parts[::-1].index(root) :]
            return ".".join(inner[:2] if inner[0] in ("core", "limit") else inner[:1]).removesuffix(".py")
    packages = [parts[place + 1] for place, part in enumerate(parts) if part == "site-packages"]
    return packages[0] if packages and packages[0] in ("uvicorn", "asyncpg") else None


def _sample(_signal: int, frame: FrameType | None) -> None:
    global _before
    now = time.thread_time(), time.process_time()
    if _before is not None:
        here, all_ = now[0] - _before[0], now[1] - _before[1]
        name, function = _place(frame)
        _components[name] += here  # type: ignore[assignment]
        _functions[f"{name}: {function}"] += here  # type: ignore[assignment]
        _components[OTHER_THREADS] += max(0.0, all_ - here)  # type: ignore[assignment]
    _before = now


def _place(frame: FrameType | None) -> tuple[str, str]:
    """The component of the innermost frame that has one, and the function."""
    while frame is not None:
        name = component(frame.f_code.co_filename)
        if name is not None:
            return name, frame.f_code.co_qualname
        frame = frame.f_back
    return LOOP, "-"


def _toggle(file: Path) -> None:
    global _before
    if signal.getitimer(signal.ITIMER_PROF)[1]:
        signal.setitimer(signal.ITIMER_PROF, 0)
        file.write_text(json.dumps({"components": _components, "functions": dict(_functions.most_common(40))}))
    else:
        _before = time.thread_time(), time.process_time()
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)


def main() -> None:
    file, command = Path(sys.argv[1]), sys.argv[2:]
    signal.signal(signal.SIGPROF, _sample)
    signal.signal(signal.SIGUSR1, lambda *_: _toggle(file))
    if command[1:2] == ["-m"]:
        sys.argv = command[2:]
        runpy.run_module(command[2], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    main()
