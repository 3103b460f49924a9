"""The sandbox that Connect's documentation describes: shoppers, batches, simulated callbacks, users of the platform.

Owns the table `sandbox_users`: the accounts that a retailer's sandbox has created.
"""
