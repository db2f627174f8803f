--!jinja
{% extends "base/query.sql" %}
{% block columns %}{% include "base/column.sql" %}, {% include "@others/column.sql" %}, {% include "nowhere.sql" ignore missing %}'{{ SnowflakeFile.open("@others/column.sql", 'r', require_scoped_url = False).read() | length }}'{% endblock %}
