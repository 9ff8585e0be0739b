"""The contract of an application behind a prefix-stripping proxy, checked on a live deployment."""
