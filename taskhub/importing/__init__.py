"""Files of leads, deals and open tasks: read, mapped, judged, previewed, brought in piece by piece, taken back."""
