--!jinja
SELECT 1;
{% if %}
