"""The settings table: read from the two models, shown by `behindproxy settings` and in documents."""
