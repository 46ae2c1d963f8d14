"""One script a budget; each measures us beside a peer in one run and prints ratios."""
