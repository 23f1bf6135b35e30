"""The live page and its JSON API: reads the store, and writes who takes an alarm on."""
