"""What must hold at every moment, asked of the database itself; what a running house can be asked without harm."""
