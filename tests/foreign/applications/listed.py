"""The shop with a list of the hosts that it serves."""

import os

import shop
from starlette.middleware.trustedhost import TrustedHostMiddleware

app = shop.made()
app.add_middleware(TrustedHostMiddleware, allowed_hosts=os.environ["SHOP_HOSTS"].split(","))
