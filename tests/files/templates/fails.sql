--!jinja
SELECT 1;

SELECT {{ 1 - 1 }} / 0 AS x, 1 / {{ 1 - 1 }};
