"""ML Programs: the operations of Core ML's Model Intermediate Language (MIL), each by its numpy meaning."""
