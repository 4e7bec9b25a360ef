"""Spend a shared token budget where it buys the most correct answers."""

__version__ = "0.1.0"
