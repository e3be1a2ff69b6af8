"""What people are told: notices, the letters they leave in, how each person wants them, and what could not be sent."""
