"""What decisions see, read from the database: people as they stand, and what is dearer to know about them."""
