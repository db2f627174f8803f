{{ config(materialized='view', secure=true, grants={'select': ['analyst']}) }}
select c.id as customer_id, c.first_name, count(o.order_id) as orders, sum(o.amount) as amount
from {{ ref('raw_customers') }} c left join {{ ref('orders') }} o on o.customer_id = c.id
group by 1, 2
