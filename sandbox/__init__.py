"""Pretend gateways on loopback: to try Incasso without an account, and as counterpart of tests.

It imports nothing of ours, so that a misreading of a gateway is not made twice.
"""
