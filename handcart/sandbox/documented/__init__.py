"""The sandbox that Connect's documentation describes: shoppers, batches, simulated callbacks, users of the platform."""
