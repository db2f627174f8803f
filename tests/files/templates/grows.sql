--!jinja
{% set s = namespace(text = "x") %}{% for i in range(64) %}{% set s.text = s.text ~ s.text %}{% endfor %}
