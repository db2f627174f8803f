--!jinja
{% for i in range(20000) %}SELECT 1;{% endfor %}
