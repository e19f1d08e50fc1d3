"""A sigstore instance of the tests' own, made with `cryptography` and `json` alone, and a server that plays it."""

from keyless.instance import IDENTITY, ISSUER, LOG, Instance

__all__ = ["IDENTITY", "ISSUER", "LOG", "Instance"]
