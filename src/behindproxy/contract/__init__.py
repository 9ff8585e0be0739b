"""The contract of an application behind a prefix-stripping proxy, asked of a live deployment."""
