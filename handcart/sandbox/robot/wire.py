"""Bodies of the robot's operations. Nothing here is documented by Instacart."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from handcart.sandbox.robot.scenarios import SCENARIOS

ScenarioName = Annotated[str, Meta(max_length=64, extra_json_schema={"enum": list(SCENARIOS)})]
Pace = Literal["real_time", "x60", "instantly"]
Seed = Annotated[int, Meta(ge=0, le=2**53 - 1, description="Random seed: the same seed gives the same plan")]

_STEP = {"at": "2026-11-26T14:05:00Z", "action": "generate", "value": "delivery", "detail": "", "done": True}


class RunOrderRequest(Struct, kw_only=True):
    """How the robot shopper serves an order."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "At once": {},
        "An item is replaced, 60 times as fast": {"scenario": "replaced", "pace": "x60", "seed": 7},
    }

    scenario: ScenarioName | None = None
    pace: Pace | None = None
    seed: Seed | None = None


class StepAnswer(Struct):
    """A step of a run. `at`: when it is due, or was done."""

    at: str
    action: str
    value: str
    detail: str
    done: bool


class RunResponse(Struct, kw_only=True):
    """An order that the robot shopper serves. `stopped`: why the robot stopped, null if it did not."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Begun": {
            "order_id": "ORD-77120",
            "scenario": "happy_path",
            "pace": "real_time",
            "seed": 0,
            "steps": [_STEP],
            "is_over": False,
            "stopped": None,
        }
    }

    order_id: str
    scenario: str
    pace: str
    seed: int
    steps: list[StepAnswer]
    is_over: bool
    stopped: str | None


class SetRobotRequest(Struct, kw_only=True):
    """The scenario for all new orders. Orders that it is not for follow `happy_path`."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Sixty times as fast": {"pace": "x60"}}

    scenario: ScenarioName | None = None
    pace: Pace | None = None
    seed: Seed | None = None


class RobotResponse(Struct, kw_only=True):
    """Whether the robot shopper serves all new orders, and how."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "On": {"is_on": True, "scenario": "happy_path", "pace": "x60", "seed": 0},
        "Off": {"is_on": False, "scenario": None, "pace": None, "seed": None},
    }

    is_on: bool
    scenario: str | None = None
    pace: str | None = None
    seed: int | None = None


class ScenarioAnswer(Struct):
    """A scenario, and the kinds of orders that it is for."""

    name: str
    about: str
    kinds: list[str]


class ScenariosResponse(Struct):
    """Every scenario."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "One scenario": {"scenarios": [{"name": "late", "about": "the customer waits", "kinds": ["delivery"]}]}
    }

    scenarios: list[ScenarioAnswer]
