"""What people look at: summaries, figures, films, tables of numbers, agreement with publications."""
