"""stac-fastapi, from PyPI, over a catalogue of one item: every response is full of absolute links."""

from typing import Any
from urllib.parse import urljoin

from stac_fastapi.api.app import StacApi
from stac_fastapi.types.config import ApiSettings
from stac_fastapi.types.core import BaseCoreClient
from stac_fastapi.types.errors import NotFoundError
from stac_fastapi.types.requests import get_base_url

EXTENT = {"spatial": {"bbox": [[-10, 36, -6, 42]]}, "temporal": {"interval": [[None, None]]}}


class Catalogue(BaseCoreClient):
    def get_collection(self, collection_id: str, **options: Any) -> dict:
        if collection_id != "coast":
            raise NotFoundError(collection_id)
        address = urljoin(get_base_url(options["request"]), f"collections/{collection_id}")
        return {
            "type": "Collection",
            "id": collection_id,
            "stac_version": "1.0.0",
            "description": "Pictures of the coast",
            "license": "CC0-1.0",
            "extent": EXTENT,
            "links": [{"rel": "self", "type": "application/json", "href": address}],
        }

    def all_collections(self, **options: Any) -> dict:
        address = urljoin(get_base_url(options["request"]), "collections")
        collections = [self.get_collection("coast", **options)]
        return {
            "collections": collections,
            "links": [{"rel": "self", "type": "application/json", "href": address}],
        }

    def get_item(self, item_id: str, collection_id: str, **options: Any) -> dict:
        raise NotFoundError(item_id)

    def item_collection(self, collection_id: str, **options: Any) -> dict:
        return {"type": "FeatureCollection", "features": [], "links": []}

    def get_search(self, **options: Any) -> dict:
        return {"type": "FeatureCollection", "features": [], "links": []}

    def post_search(self, search_request: Any, **options: Any) -> dict:
        return self.get_search()


app = StacApi(settings=ApiSettings(), client=Catalogue()).app
