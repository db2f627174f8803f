-- A tour of firn. Run it from the repository's root: firn -a :memory: -f sample_data/tour.sql
-- What each file beside this one shows is told in README.md.
!set echo=true

!print
!print === 1. Files go to a stage, and from there into tables.
create or replace file format csv_with_header type = csv skip_header = 1 field_optionally_enclosed_by = '"';
create or replace stage landing file_format = csv_with_header;
put file://sample_data/*.csv @landing/csv auto_compress = true;
put file://sample_data/events.json @landing/json auto_compress = false;
put file://sample_data/products.parquet @landing/parquet auto_compress = false;
list @landing;

create or replace table city (city_id int, name varchar, country varchar(2), population int);
create or replace table customer (customer_id int, name varchar, city_id int, segment varchar);
create or replace table orders (order_id int, customer_id int, product_id int, order_date date, quantity int,
    amount number(10,2)) cluster by (order_date);
create or replace table product (product_id int, name varchar, price number(8,2));
create or replace table event (v variant);

copy into city from @landing/csv/city.csv;
copy into customer from @landing/csv/customers.csv;
copy into orders from @landing/csv/orders.csv;
copy into product from @landing/parquet file_format = (type = parquet) match_by_column_name = case_insensitive;
copy into event from @landing/json file_format = (type = json);

!print
!print === 2. A file is loaded once, however often COPY runs.
copy into orders from @landing/csv/orders.csv;

!print
!print === 3. Staged files can be queried where they lie.
select $2 as name, $4::int as population, metadata$filename as file from @landing/csv/city.csv
order by population desc limit 3;

!print
!print === 4. INFER_SCHEMA finds the columns of staged files, and makes tables of them.
create or replace file format parquet_file type = parquet;
select column_name, type, nullable from table(infer_schema(location => '@landing/parquet', file_format => 'parquet_file'));
create or replace table product_copy using template (
    select array_agg(object_construct(*))
    from table(infer_schema(location => '@landing/parquet', file_format => 'parquet_file', ignore_case => true)));
describe table product_copy;

!print
!print === 5. Joins, grouping, exact decimals.
select c.segment, count(*) as orders, sum(o.amount) as amount, avg(o.amount) as average
from orders o join customer c on o.customer_id = c.customer_id
group by c.segment order by amount desc;

!print
!print === 6. Subtotals.
select country, date_trunc('quarter', order_date) as quarter, sum(amount) as amount, grouping(country) as is_total
from orders join customer using (customer_id) join city using (city_id)
where country in ('CH', 'DE', 'NL')
group by rollup (country, quarter) order by country, quarter;

!print
!print === 7. The best product of each month: QUALIFY filters by a window function.
select date_trunc('month', order_date) as month, p.name, sum(amount) as total
from orders o join product p on p.product_id = o.product_id
group by all
qualify row_number() over (partition by month order by total desc) = 1
order by month limit 6;

!print
!print === 8. A running sum and a moving average.
select order_date, sum(amount) as amount, sum(sum(amount)) over (order by order_date) as so_far,
    round(avg(sum(amount)) over (order by order_date rows between 2 preceding and current row), 2) as smoothed
from orders group by order_date order by order_date limit 5;

!print
!print === 9. Correlated subqueries.
select name from customer c
where exists (select 1 from orders o where o.customer_id = c.customer_id and o.amount > 1000)
  and (select count(*) from orders o where o.customer_id = c.customer_id) > 5
order by name;

!print
!print === 10. Semi-structured data: paths and FLATTEN.
select v:kind::varchar as kind, v:device.os::varchar as os, array_size(v:items) as items
from event where v:device is not null order by v:id::int limit 4;

select p.name, sum(i.value:count::int) as pieces
from event, lateral flatten(input => v:items) i join product p on p.product_id = i.value:product::int
where v:kind = 'buy' group by p.name order by pieces desc, p.name limit 5;

!print
!print === 11. A recursive query.
with recursive day (d) as (
    select '2024-02-26'::date union all select d + 1 from day where d < '2024-03-02'::date)
select d, dayname(d) as weekday, coalesce(sum(amount), 0) as amount
from day left join orders on order_date = d group by d order by d;

!print
!print === 12. MERGE brings prices up to date and adds what is new.
merge into product t using (select * from values (1, 'mug', 4.95), (13, 'vase', 18.00) s (id, name, price)) s
    on t.product_id = s.id
when matched and t.price <> s.price then update set price = s.price
when not matched then insert (product_id, name, price) values (s.id, s.name, s.price);
select * from product where product_id in (1, 13) order by product_id;

!print
!print === 13. Time travel: the table as it was before that statement, also joined with the present.
delete from orders where order_date < '2024-07-01';
set gone = last_query_id();
select count(*) as now from orders;
select count(*) as before from orders before (statement => $gone);
select date_trunc('quarter', o.order_date) as quarter, count(*) as missing, sum(o.amount) as amount
from orders before (statement => $gone) o left join orders n on n.order_id = o.order_id
where n.order_id is null group by quarter order by quarter;

!print
!print === 14. A clone of the past takes no space, and makes good the mistake.
create table orders_restored clone orders before (statement => $gone);
alter table orders swap with orders_restored;
select count(*) as restored from orders;

!print
!print === 15. What is dropped comes back.
drop table customer;
undrop table customer;
select count(*) as customers from customer;

!print
!print === 16. A transaction over two tables is all or nothing.
begin;
update product set price = 0;
delete from customer;
rollback;
select min(price) as cheapest, (select count(*) from customer) as customers from product;

!print
!print === 17. Views, and materialized views that are never stale.
create or replace view high_value_orders as select * from orders where amount > 700;
select count(*) as high_value from high_value_orders;
create or replace materialized view monthly_sales as
    select date_trunc('month', order_date) as month, sum(amount) as amount, count(*) as orders from orders group by 1;
insert into orders values (9001, 1, 2, '2024-12-31', 1, 12.00);
select * from monthly_sales where month = '2024-12-01';

!print
!print === 18. PIVOT.
select * from (select segment, date_part('quarter', order_date) as quarter, amount
               from orders join customer using (customer_id))
pivot (sum(amount) for quarter in (1 as q1, 2 as q2, 3 as q3, 4 as q4)) order by segment;

!print
!print === 19. EXPLAIN tells what is pruned.
explain using text select sum(amount) from orders where order_date between '2024-12-01' and '2024-12-24';

!print
!print === 20. Rows go back into files.
copy into @landing/out/ from (select segment, count(*) as customers from customer group by segment)
    file_format = (type = csv compression = none) header = true;
list @landing/out;

!print
!print === 21. The catalog.
select table_name, table_type, clustering_key, row_count, bytes from information_schema.tables
where table_schema = 'PUBLIC' order by table_name;
