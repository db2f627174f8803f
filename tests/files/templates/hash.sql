#!jinja and what nobody reads {{ nowhere }}
SELECT {{ [1, 2, 3] | sum }};
