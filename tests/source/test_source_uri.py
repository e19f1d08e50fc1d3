from pathlib import Path

import pytest

from edgepack.errors import SourceError
from edgepack.source.uri import (
    LocalFolder,
    LoggedModelId,
    RegisteredAlias,
    RegisteredVersion,
    RunArtifact,
    parse_uri,
)


@pytest.mark.parametrize(
    ("uri", "meaning"),
    [
        ("models:/house prices/12", RegisteredVersion(name="house prices", version=12)),
        ("models:/a.b.c@champion", RegisteredAlias(name="a.b.c", alias="champion")),
        ("models:/m-0af3", LoggedModelId(model_id="m-0af3")),
        ("models:/m-0af3/1", RegisteredVersion(name="m-0af3", version=1)),
        ("runs:/abc/model", RunArtifact(run_id="abc", path="model")),
        ("runs:/abc/deep/er/", RunArtifact(run_id="abc", path="deep/er")),
        ("some/folder", LocalFolder(path=Path("some/folder"))),
        ("/some/folder", LocalFolder(path=Path("/some/folder"))),
    ],
)
def test_each_accepted_form_says_what_it_names(uri, meaning):
    assert parse_uri(uri) == meaning


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "models:/",
        "models:/wine",
        "models:/wine/1/file",
        "models://profile@databricks/wine/1",
        "models:/wine@",
        "models:/@champion",
        "runs:/abc",
        "runs:/abc/../other",
        "s3://bucket/model",
        "file:/model",
    ],
)
def test_anything_else_is_refused_with_the_accepted_forms(uri):
    with pytest.raises(SourceError, match="models:/NAME/VERSION, models:/NAME@ALIAS, models:/m-ID, runs:/RUN_ID/PATH"):
        parse_uri(uri)


@pytest.mark.parametrize("moving", ["latest", "Production", "v3"])
def test_names_that_move_are_refused_with_the_form_to_use(moving):
    with pytest.raises(SourceError, match=f"'{moving}' is not a version number; .* models:/wine/VERSION"):
        parse_uri(f"models:/wine/{moving}")
