-- Statements and a block, one after the other.
CREATE OR REPLACE TABLE made_by_file (a INT);
INSERT INTO made_by_file VALUES (1), (2);
BEGIN
  INSERT INTO made_by_file VALUES (3);
END;
SELECT COUNT(*) AS n, SUM(a) AS s FROM made_by_file;
