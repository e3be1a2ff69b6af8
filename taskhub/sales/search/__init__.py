"""Search: records and tasks by words in any order, parts of words, addresses, numbers and ids."""
