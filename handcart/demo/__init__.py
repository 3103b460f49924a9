"""`handcart demo`: a server, a worker and the storefront on one machine, with sample customers.

`start` starts it, with the data of `samples` and the processes of `processes`. `running` finds the demo that runs.
"""
