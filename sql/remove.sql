-- remove.sql: takes everything of relate out of a file, without the extension.
--
--     sqlite3 campus.db < sql/remove.sql
--
-- What goes are the triggers, indexes and views that a declaration has made,
-- whose names begin with _relationship_, and the two tables of declarations.
-- What stays are your tables, columns and rows, also those tables and columns
-- that a declaration has made.  It is what relationship_drop('*') does.
--
-- SQL can't drop what a query finds, so the shell writes the script first.
.bail on
.mode list
.headers off
.once relationship_remove.tmp
SELECT 'BEGIN;'
UNION ALL
SELECT printf('DROP %s "%w";', type, name) FROM sqlite_schema
WHERE type IN ('trigger', 'index', 'view')
  AND name LIKE '\_relationship\_%' ESCAPE '\'
UNION ALL
SELECT printf('DROP TABLE "%w";', name) FROM sqlite_schema
WHERE type = 'table' AND name IN ('_relationship', '_relationship_function')
UNION ALL
SELECT 'COMMIT;';
.read relationship_remove.tmp
.shell rm relationship_remove.tmp
