CREATE TABLE nation (n_id INT NOT NULL, n_name VARCHAR);
INSERT INTO nation SELECT SEQ4(), 'nation ' || SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 5));
CREATE TABLE customer (c_id INT NOT NULL, c_name VARCHAR, c_nation INT);
INSERT INTO customer SELECT SEQ4(), 'customer ' || SEQ4(), SEQ4() % 5 FROM TABLE(GENERATOR(ROWCOUNT => 100));
CREATE TABLE orders (o_id INT NOT NULL, o_customer INT, o_price INT);
INSERT INTO orders SELECT SEQ4(), SEQ4() % 80, SEQ4() % 97 FROM TABLE(GENERATOR(ROWCOUNT => 1000));
CREATE TABLE item (i_order INT NOT NULL, i_amount INT);
INSERT INTO item SELECT SEQ4() % 1000, SEQ4() % 50 FROM TABLE(GENERATOR(ROWCOUNT => 4000));

CREATE TABLE event (e_id INT NOT NULL, e_v VARIANT);
INSERT INTO event SELECT column1, PARSE_JSON(column2) FROM VALUES
    (1, '{"kind": "a", "n": 1, "price": 1.5, "mixed": 1, "list": [1]}'), (2, '{"kind": "b", "n": 2, "price": 2, "mixed": "x", "list": []}');

CREATE STAGE files;
CREATE FILE FORMAT rows_of_columns TYPE = PARQUET;
