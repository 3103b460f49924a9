"""The refusals about batches and picked items. Their texts are Handcart's choice: docs/wire-choices.md."""

from handcart.core.errors import ApiError


def batch_not_found() -> ApiError:
    """No batch by that id at this retailer."""
    return ApiError(404, "Resource not found", 4000)


def already_in_batch() -> ApiError:
    """One of the orders is in a batch that has not ended."""
    return ApiError(400, "is already in a batch", key="orders")


def not_waiting() -> ApiError:
    """One of the orders does not wait for a batch of this type: its status is too early or too late."""
    return ApiError(400, "is not waiting for this type of batch", key="orders")


def not_ahead() -> ApiError:
    """The state does not come after the batch's current state."""
    return ApiError(400, "must come after the current state", key="workflow_state")


def finished() -> ApiError:
    """The batch has ended, or all of its orders were canceled."""
    return ApiError(400, "Batch is finished", key="workflow_state")


def not_assigned() -> ApiError:
    """The order is in no batch of this shopper."""
    return ApiError(400, "is not assigned to this order", key="shopper_id")


def not_being_picked() -> ApiError:
    """The order is not being picked, so its items cannot change."""
    return ApiError(400, "Order is not being picked", key="order_id")


def not_replaceable() -> ApiError:
    """The customer wants no replacement of the item."""
    return ApiError(400, "Item must not be replaced", key="status")


def replacement_refused() -> ApiError:
    """The customer has refused this replacement for the item."""
    return ApiError(400, "Replacement was refused by the customer", key="replacement_item")
