"""The live page and its JSON API: reads the store, writes nothing."""
