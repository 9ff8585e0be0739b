"""What the red checks have in common, and the change that removes it."""
