"""The whole factory in one command, and an honest account of how it did."""
