-- remove.sql: takes everything of relate out of a file, without the extension.
--
--     sqlite3 campus.db < sql/remove.sql
--
-- What goes are the triggers and indexes that a declaration has made, whose
-- names begin with _relationship_, the views that were declared, and the tables
-- of declarations.  What stays are your tables, columns and rows, also
-- those tables and columns that a declaration has made.  It is what
-- relationship_drop('*') does.
--
-- SQL can't drop what a query finds, so the shell writes the script first.
.bail on
.mode list
.headers off
BEGIN;
CREATE TABLE IF NOT EXISTS _relationship(made, options);
.once relationship_remove.tmp
SELECT printf('DROP %s "%w";', type, name) FROM sqlite_schema
WHERE type IN ('trigger', 'index', 'view')
  AND name LIKE '\_relationship\_%' ESCAPE '\'
UNION
SELECT printf('DROP VIEW "%w";', s.name)
FROM _relationship AS r
JOIN json_each(iif(json_valid(r.made), r.made, '[]')) AS made
JOIN sqlite_schema AS s
  ON s.type = 'view' AND made.value = json_array('view', s.name)
WHERE s.name = json_extract(iif(json_valid(r.options), r.options, '{}'), '$.view')
UNION ALL
SELECT printf('DROP TABLE "%w";', name) FROM sqlite_schema
WHERE type = 'table'
  AND name IN ('_relationship', '_relationship_function', '_relationship_rule',
               '_relationship_debt');
.read relationship_remove.tmp
COMMIT;
.shell rm relationship_remove.tmp
