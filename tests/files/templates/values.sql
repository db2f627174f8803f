SELECT '{{ a }}', '{{ b }}', '{{ c }}', '{{ d }}', '{{ e }}', {{ 1 if d is none else 2 }}, '{{ b * 2 }}';
