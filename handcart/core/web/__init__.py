"""HTTP: calls and replies, routes, bodies, the application, the OpenAPI description, and what pages share."""
