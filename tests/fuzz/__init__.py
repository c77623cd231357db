"""`make fuzz`: every form of every role, found by itself, sent every hostile value; nothing may answer 5xx or grow."""
