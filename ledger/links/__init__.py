"""Hosted links: who may open which, what they show, and customers' attempts to pay by them."""
