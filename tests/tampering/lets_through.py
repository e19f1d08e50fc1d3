"""What model_signing 1.1.1 makes of the table where it does not refuse."""

from __future__ import annotations

HANGS = frozenset({"a pipe for a signature"})
"""It waits for ever on these, and is not asked."""

LETS_THROUGH = frozenset(
    {
        "an empty folder",
        "empty folders in one",
        "a .git folder",
        "a .github folder",
        "a .gitignore",
        "a .gitattributes",
        "a digest that is not the file's",
        "golden rows with another digest",
        "an artifact that is not there",
        "a file in an artifact that the manifest does not name",
        "a key twice in the manifest",
        "NaN in the manifest",
        "a huge number",
        "half a surrogate pair",
        "another schema version",
        "a manifest that climbs out",
        "a second signature",
        "the signature twice",
        "no keyid",
        "another keyid",
        "no hint",
        "no tlogEntries",
        "timestamps",
        "rawBytes in the public key",
        "a newline in the payload",
        "a newline in the sig",
        "stray bits in the sig",
        "the larger s",
        "a key twice",
        "the payload twice",
        "a newline at the end",
        "a space",
        "an escape",
        "another order",
        "another model's name",
        "a key twice in the statement",
        "a digest twice in the statement",
        "a statement with spaces",
        "a key more in the predicate",
        "a key more in a resource",
        "ignore_paths that hide a file",
        "fewer ignore_paths",
        "0 for false",
        "a digest in capitals",
        "a file named twice",
        "two resources that differ by case",
        "a name with .",
        "a name with //",
        "resources in another order",
    }
)
"""It accepts these, and edgepack refuses them."""
