"""The folder that a mobile developer receives: manifest, golden rows, signature; written, signed, verified, opened."""
