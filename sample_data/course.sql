-- What a Snowflake course teaches, step by step. Run it from the repository's root.
!set echo=true

!print
!print === 1. Databases and the layers of a warehouse.
create or replace database walmart;
create or replace schema walmart.landing;
create or replace schema walmart.enterprise;
create or replace schema walmart.business;
use schema walmart.landing;

!print
!print === 2. Roles and grants.
create or replace role analyst;
grant usage on database walmart to role analyst;
grant usage on all schemas in database walmart to role analyst;

!print
!print === 3. A file through the user's stage.
create or replace table walmart.landing.city (city_id int, name varchar(50), country varchar(2), population int);
put file://sample_data/city.csv @~;
copy into walmart.landing.city from @~/city.csv file_format = (type = csv skip_header = 1);
select country, name from city order by population desc limit 3;

!print
!print === 4. A named stage with a file format and a storage integration.
create or replace file format walmart.landing.csv_file type = csv skip_header = 1 field_optionally_enclosed_by = '"';
create or replace storage integration s3_lake type = external_stage storage_provider = 'S3' enabled = true
    storage_aws_role_arn = 'arn:aws:iam::000000000000:role/reader' storage_allowed_locations = ('s3://lake/landing/');
create or replace stage walmart.landing.lake url = 's3://lake/landing/' storage_integration = s3_lake file_format = csv_file;
create or replace stage walmart.landing.files file_format = csv_file;
put file://sample_data/orders.csv @files;
put file://sample_data/customers.csv @files;

create or replace table orders (order_id int, customer_id int, product_id int, order_date date, quantity int,
    amount number(10,2)) cluster by (order_date);
create or replace table customer (customer_id int, name varchar, city_id int, segment varchar);
copy into orders from @files/orders.csv;
copy into customer from @files/customers.csv;

!print
!print === 5. LIKE, CLONE, CREATE TABLE AS SELECT, DROP, UNDROP.
create or replace table orders_like like orders;
create or replace table orders_clone clone orders;
create or replace table big_orders as select * from orders where amount > 500;
select (select count(*) from orders_like) as l, (select count(*) from orders_clone) as c, (select count(*) from big_orders) as b;
drop table orders_clone;
undrop table orders_clone;

!print
!print === 6. A view and a materialized view in the business layer.
create or replace view walmart.business.high_value_orders as
    select order_id, customer_id, amount from walmart.landing.orders where amount > 1000;
create or replace materialized view walmart.business.monthly_sales_summary as
    select date_trunc('month', order_date) as month, sum(amount) as total_sales from walmart.landing.orders group by 1;
select * from walmart.business.high_value_orders order by amount desc limit 3;
select * from walmart.business.monthly_sales_summary order by month limit 3;

!print
!print === 7. Time travel.
set before_update = (select current_timestamp());
select system$wait(1);
update orders set amount = 0 where order_id = 1;
set updated = last_query_id();
select amount as now from orders where order_id = 1;
select amount as then_ from orders at (timestamp => $before_update) where order_id = 1;
select amount as before_ from orders before (statement => $updated) where order_id = 1;
select count(*) as a_moment_ago from orders at (offset => -1);

!print
!print === 8. Slowly changing dimension, type 1: overwrite.
create or replace table walmart.enterprise.customer_type1 (customer_id int, name varchar, segment varchar);
insert into walmart.enterprise.customer_type1 select customer_id, name, segment from customer;
create or replace table customer_changes (customer_id int, name varchar, segment varchar);
insert into customer_changes values (1, 'Ada A.', 'vip'), (61, 'Uma G.', 'online');
merge into walmart.enterprise.customer_type1 t using customer_changes s on t.customer_id = s.customer_id
when matched then update set t.segment = s.segment, t.name = s.name
when not matched then insert (customer_id, name, segment) values (s.customer_id, s.name, s.segment);
select * from walmart.enterprise.customer_type1 where customer_id in (1, 61) order by 1;

!print
!print === 9. Type 2: a row for each version.
create or replace table walmart.enterprise.customer_type2 (customer_id int, name varchar, segment varchar,
    valid_from date, valid_to date, is_current boolean);
insert into walmart.enterprise.customer_type2
    select customer_id, name, segment, '2024-01-01', '9999-12-31', true from customer;
merge into walmart.enterprise.customer_type2 t using (
    select customer_id as merge_key, * from customer_changes
    union all
    select null, c.* from customer_changes c join walmart.enterprise.customer_type2 d
        on c.customer_id = d.customer_id and d.is_current and c.segment <> d.segment) s
    on t.customer_id = s.merge_key and t.is_current
when matched and t.segment <> s.segment then update set valid_to = '2024-06-30', is_current = false
when not matched then insert (customer_id, name, segment, valid_from, valid_to, is_current)
    values (s.customer_id, s.name, s.segment, '2024-07-01', '9999-12-31', true);
select * from walmart.enterprise.customer_type2 where customer_id in (1, 61) order by customer_id, valid_from;

!print
!print === 10. Type 3: the previous value in a column of its own.
create or replace table walmart.enterprise.customer_type3 (customer_id int, segment varchar, previous_segment varchar);
insert into walmart.enterprise.customer_type3 select customer_id, segment, null from customer;
merge into walmart.enterprise.customer_type3 t using customer_changes s on t.customer_id = s.customer_id
when matched then update set previous_segment = t.segment, segment = s.segment
when not matched then insert (customer_id, segment) values (s.customer_id, s.segment);
select * from walmart.enterprise.customer_type3 where customer_id in (1, 61) order by 1;

!print
!print === 11. An incremental load of facts: the last day is deleted and loaded again, with all that is newer.
create or replace table walmart.enterprise.fact_sales as
    select order_date, product_id, sum(quantity) as quantity, sum(amount) as amount
    from orders where order_date < '2024-11-01' group by 1, 2;
set last_day = (select max(order_date) from walmart.enterprise.fact_sales);
delete from walmart.enterprise.fact_sales where order_date >= $last_day;
insert into walmart.enterprise.fact_sales
    select order_date, product_id, sum(quantity), sum(amount) from orders where order_date >= $last_day group by 1, 2;
select count(*) as fact_rows, sum(amount) as amount from walmart.enterprise.fact_sales;
