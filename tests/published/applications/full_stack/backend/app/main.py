"""The application, in the layout of the full-stack FastAPI template."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from app.api.main import api_router
from app.core.config import settings

app = FastAPI(title=settings.PROJECT_NAME, openapi_url=f"{settings.API_V1_STR}/openapi.json")
app.include_router(api_router, prefix=settings.API_V1_STR)
app.mount("/", StaticFiles(directory=settings.FRONTEND_DIST, html=True))
