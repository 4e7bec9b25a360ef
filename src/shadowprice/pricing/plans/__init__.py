"""Who gets how much once there is a price: what a jump of the demand leaves over is spent, and tokens become whole."""

from shadowprice.pricing.plans._heuristic import plan_by_threshold
from shadowprice.pricing.plans._rationing import ration
from shadowprice.pricing.plans._refill import MOST_ROUNDS, Plan, plain_plan, refill, refill_plans
from shadowprice.pricing.plans._repair import MOST_EXCHANGES, REACH, STEP, TRIED, WORTH_A_REPAIR, repair
from shadowprice.pricing.plans._whole import whole_plan

__all__ = [
    "MOST_EXCHANGES",
    "MOST_ROUNDS",
    "REACH",
    "STEP",
    "TRIED",
    "WORTH_A_REPAIR",
    "Plan",
    "plain_plan",
    "plan_by_threshold",
    "ration",
    "refill",
    "refill_plans",
    "repair",
    "whole_plan",
]
