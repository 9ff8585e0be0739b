"""The shop, which redirects to https by itself."""

import shop
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware

app = shop.made()
app.add_middleware(HTTPSRedirectMiddleware)
