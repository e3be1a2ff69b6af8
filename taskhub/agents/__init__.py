"""People: teams, skills, presence, shifts, absences, and how much fits."""
