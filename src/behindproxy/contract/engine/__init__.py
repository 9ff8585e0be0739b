"""The deployment under test: what it has, and the clients that send it requests."""
