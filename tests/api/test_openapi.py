"""The API's description of itself."""

from tests.api.conftest import Api


def test_every_route_is_described(api: Api) -> None:
    """No operation is left out of the document."""
    document = api.app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    told = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    routes = {
        rule.endpoint.removeprefix("api.")
        for rule in api.app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
    }

    assert {"openapi", "page", "schema"} == routes - told
    assert "3.1.0" == document["openapi"]


def test_the_docs_page_names_every_path(api: Api) -> None:
    """People read the same as programs."""
    client = api.app.test_client()
    document = client.get("/api/v1/openapi.json").json
    page = client.get("/api/docs").text

    assert document is not None
    assert all(path in page for path in document["paths"])
