"""A cluster on one machine that loses parts of itself while somebody watches, and the account of what that cost."""
