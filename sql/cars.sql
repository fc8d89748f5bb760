-- cars.sql: brands of cars, their models, and the cars of each model.
--
--     sqlite3 cars.db ".load build/relate" ".read sql/cars.sql"
--
-- Needs the extension.  It can be run again: it makes its tables anew.

.mode box --wrap 0

SELECT relationship_drop('*') AS dropped;
DROP VIEW IF EXISTS data_mart;
DROP TABLE IF EXISTS car_info;
DROP TABLE IF EXISTS car_model;
DROP TABLE IF EXISTS car_brand;

-- A brand has many models, a model has many cars.  UNIQUE, NOT NULL and the
-- foreign keys bind every program that writes to the file.

CREATE TABLE car_brand(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
);
CREATE TABLE car_model(
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  brand_id INTEGER NOT NULL REFERENCES car_brand(id)
);
CREATE TABLE car_info(
  id INTEGER PRIMARY KEY,
  car_id TEXT NOT NULL UNIQUE,
  model_id INTEGER NOT NULL REFERENCES car_model(id),
  year INTEGER NOT NULL,
  price INTEGER
);
CREATE INDEX idx_car_id ON car_info(car_id);

-- Both directions get a name in one declaration.  The foreign keys are used as
-- they are; each gets the index that following it backwards wants.

SELECT relationship('car_brand.models', 'inverse', 'car_model.brand')
  AS declared;
SELECT relationship('car_model.cars', 'inverse', 'car_info.model')
  AS declared;

-- The name of the one that leads to many is plural, the other is singular.
-- Both use the same column, in the table at the "many" end.

SELECT source, substr(name, length(source) + 2) AS name, target, cardinality,
       link_columns AS foreign_key
FROM relationship_list
WHERE declared
ORDER BY foreign_key, cardinality DESC;

-- Create: two brands, a model of each, two cars of each model.  All of it is
-- there, or nothing.  source_key is the brand of a new model, the model of a
-- new car.

BEGIN;
INSERT INTO car_brand(id, name) VALUES (1, 'Toyota'), (2, 'Honda');
INSERT INTO car_brand__models(source_key, name) VALUES
  (1, 'Corolla'),
  (2, 'Civic');
INSERT INTO car_model__cars(source_key, car_id, year, price) VALUES
  (1, 'C1', 2020, 20000),
  (1, 'C2', 2021, 21000),
  (2, 'C3', 2020, 22000),
  (2, 'C4', 2022, 23000);
COMMIT;

SELECT * FROM car_brand;
SELECT * FROM car_model;
SELECT * FROM car_info;

-- The constraints hold also when a navigator writes.

INSERT INTO car_model__cars(source_key, car_id, year) VALUES (3, 'C5', 2023);
INSERT INTO car_model__cars(source_key, car_id) VALUES (2, 'C5');
INSERT INTO car_brand(name) VALUES ('Honda');

-- Read: a path goes from a car to its model and on to the brand.

.mode list
.headers off
SELECT printf('%s: %-14s, %d - $%d', car_id,
              related_value('car_info.model.brand.name', id) || ' ' ||
              related_value('car_info.model.name', id), year, price)
FROM car_info
ORDER BY car_id;

-- Update: the price of one car.

UPDATE car_info SET price = 21500 WHERE car_id = 'C2';
SELECT printf('%s: %-14s, %d - $%d', car_id,
              related_value('car_info.model.brand.name', id) || ' ' ||
              related_value('car_info.model.name', id), year, price)
FROM car_info
WHERE car_id = 'C2';

.headers on
.mode box --wrap 0
SELECT * FROM car_info;

-- Delete: one car.

.mode list
.headers off
DELETE FROM car_info WHERE car_id = 'C4'
RETURNING printf('Car %s is removed from the database', car_id);

.headers on
.mode box --wrap 0
SELECT * FROM car_info;

-- How many models and cars are left of each brand?

SELECT name, related_count('car_brand.models', id) AS models,
       related_count('car_brand.models.cars', id) AS cars
FROM car_brand;

-- The data mart: the average price by brand, model and year.  avg() is always
-- REAL, 20000.0; an average that is a whole number is to be shown as one.
--
-- First by paths from each car.  (A TEMP view may use relate, for it is not in
-- the file.)

CREATE TEMP VIEW IF NOT EXISTS by_paths AS
SELECT related_value('car_info.model.brand.name', id) AS Brand,
       related_value('car_info.model.name', id) AS Model,
       year AS Year,
       iif(sum(price) % count(price) = 0, sum(price) / count(price),
           avg(price)) AS Average_Price
FROM car_info
GROUP BY Brand, Model, Year
ORDER BY min(id);
SELECT * FROM by_paths;

-- The same by navigators, from each brand.

CREATE TEMP VIEW IF NOT EXISTS by_navigators AS
SELECT b.name AS Brand, m.name AS Model, c.year AS Year,
       iif(sum(c.price) % count(c.price) = 0, sum(c.price) / count(c.price),
           avg(c.price)) AS Average_Price
FROM car_brand AS b
JOIN car_brand__models(b.id) AS m
JOIN car_model__cars(m.id) AS c
GROUP BY b.name, m.name, c.year
ORDER BY min(c.id);
SELECT * FROM by_navigators;

-- The same in plain SQL.  As a view it stays in the file, for programs that
-- have not loaded the extension.

CREATE VIEW data_mart AS
SELECT b.name AS Brand, m.name AS Model, c.year AS Year,
       iif(sum(c.price) % count(c.price) = 0, sum(c.price) / count(c.price),
           avg(c.price)) AS Average_Price
FROM car_brand AS b
JOIN car_model AS m ON m.brand_id = b.id
JOIN car_info AS c ON c.model_id = m.id
GROUP BY b.name, m.name, c.year
ORDER BY min(c.id);
SELECT * FROM data_mart;

-- UNION leaves out what is there already: the three have the same three rows.

SELECT count(*) AS different_rows FROM (
  SELECT * FROM by_paths
  UNION SELECT * FROM by_navigators
  UNION SELECT * FROM data_mart
);

-- An average that is no whole number is left as it is.  This is only tried, and
-- rolled back.

BEGIN;
INSERT INTO car_model__cars(source_key, car_id, year, price)
  VALUES (1, 'C6', 2020, 20001);
SELECT * FROM data_mart WHERE Brand = 'Toyota';
ROLLBACK;

-- What an index is good for: with it SQLite searches, without it SQLite reads
-- every row.  (+car_id is an expression, for which there is no index.)

EXPLAIN QUERY PLAN SELECT * FROM car_info WHERE car_id = 'C2';
EXPLAIN QUERY PLAN SELECT * FROM car_info WHERE +car_id = 'C2';

-- The index that is searched is not idx_car_id: UNIQUE has made one already,
-- on the same column.

SELECT il.name, il."unique", ii.name AS on_column
FROM pragma_index_list('car_info') AS il, pragma_index_info(il.name) AS ii
ORDER BY on_column, il.name;
SELECT "table", "key", problem, fix FROM relationship_check;

-- So idx_car_id only costs space, and time whenever a car is written.  Without
-- it the plan is the same, and there is nothing left to mend.

DROP INDEX idx_car_id;
EXPLAIN QUERY PLAN SELECT * FROM car_info WHERE car_id = 'C2';
SELECT count(*) AS problems FROM relationship_check;

-- The way from a model to its cars is searched as well, by the index that the
-- declaration has made.

EXPLAIN QUERY PLAN SELECT * FROM car_info WHERE model_id = 1;
