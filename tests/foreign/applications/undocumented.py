"""The shop without documentation: neither pages nor schema."""

import shop

app = shop.made(openapi_url=None)
