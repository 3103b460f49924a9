"""The description of the API: the OpenAPI document, and the pages at `/reference` that show it."""
