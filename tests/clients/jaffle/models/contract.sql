{{ config(materialized='table', contract={'enforced': true}, schema='contracts') }}
select order_id::number(38,0) as order_id, status::varchar as status from {{ ref('orders') }}
