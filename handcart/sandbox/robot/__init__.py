"""A robot shopper, which serves orders by scenarios.

Owns the table `robot_runs`: the orders that the robot serves, each with its plan.
"""
