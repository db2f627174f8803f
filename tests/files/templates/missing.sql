--!jinja
{% include "nowhere.sql" %}
