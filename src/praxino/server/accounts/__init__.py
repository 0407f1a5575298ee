"""Accounts: the doors in front of the service, and who may do what behind them."""
