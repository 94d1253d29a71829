-- Only SQLite makes a table anew to alter it; here the fences stay.
SELECT 1;
