"""Signatures without a key to keep: sigstore certifies a one-time key for an identity, and logs that it signed."""
