"""What people here ask of a CRM about its records: pending until it answers, asked once, bound to what it made."""
