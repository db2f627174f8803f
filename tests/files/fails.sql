-- The second statement fails.
SELECT 1;
  SELECT 1 / 0;
